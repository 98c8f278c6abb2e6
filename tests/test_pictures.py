"""The pictures of the catalogue: drawn from the code, all there, and stale ones noticed."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from scripts import DOCS, script

from seedbed import help

WHOLE = ("augment", "init", "loss", "optimizer", "scheduler")  # groups of which all is drawn
BLANK = {  # but what has nothing of its own to show
    "augment/none",  # batches stay as they are
    "init/pretrained",  # weights are those of a run
    "loss/auto",  # it is one of two others
}


@pytest.fixture(scope="module")
def draw() -> ModuleType:
    return script("draw")


@pytest.fixture(scope="module")
def wanted(draw: ModuleType) -> dict[Path, str]:
    return draw.pictures()


def test_pictures_are_what_make_docs_draws(draw: ModuleType, wanted: dict[Path, str]) -> None:
    assert draw.stale(wanted) == [], "run make docs"


def test_every_option_has_a_picture_and_every_picture_a_place(wanted: dict[Path, str]) -> None:
    options = {f"{group}/{option}" for group in WHOLE for option in help.options(group)}
    drawn = {p.relative_to(DOCS / "pictures").with_suffix("").as_posix() for p in wanted}
    assert options - drawn == BLANK
    page = (DOCS / "techniques.md").read_text()
    for path in wanted:
        before, found, _ = page.partition(f"]({path.relative_to(DOCS).as_posix()})\n")
        assert found, path
        assert len(before.rpartition("![")[2]) > 30, "it says what one sees"
        group, option = path.parts[-2], path.stem
        if option in help.options(group):
            assert before.rpartition("### `")[2].startswith(f"{group}={option}`")


def test_files_are_small(wanted: dict[Path, str]) -> None:
    assert {p.name: len(text) for p, text in wanted.items() if len(text) > 65_000} == {}


@pytest.mark.parametrize(
    ("module", "option", "given"),
    [
        ("draw_schedules", "cosine", {"final": 0.01}),
        ("draw_schedules", "plateau", {"patience": 5}),
        ("draw_inits", "gaussian", {"std": 0.012}),
        ("draw_paths", "adam", {"betas": [0.9, 0.99]}),
        ("draw_digits", "basic", {"rotation": 11.0}),
        ("draw_losses", "huber", {"delta": 1.1}),
    ],
)
def test_another_argument_is_another_picture(
    module: str, option: str, given: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where no word of it changes: titles, which name arguments, are left out."""
    monkeypatch.setattr("matplotlib.axes.Axes.set_title", lambda *_, **__: None)
    same, of = script("ink").same, script(module).of
    assert same(of(option), of(option))
    assert not same(of(option), of(option, **given))


def test_what_is_stale_is_drawn_and_what_is_too_many_goes(
    draw: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw, "HOME", tmp_path)
    schedules = script("draw_schedules")
    path, other = tmp_path / "scheduler/cosine.svg", tmp_path / "scheduler/gone.svg"
    wanted = {path: schedules.of("cosine")}
    assert draw.stale(wanted) == [path]
    draw.refresh(wanted)
    assert draw.of("scheduler") == [path]
    assert draw.stale(wanted) == []
    shaken = path.read_text().replace("M 43.0 ", "M 43.2 ")
    assert shaken != wanted[path]
    path.write_text(shaken)
    draw.refresh(wanted)
    assert path.read_text() == shaken, "it shows the same: no new file for a last bit"
    path.write_text(schedules.of("cosine", final=0.05))
    other.write_text("<svg/>")
    assert draw.stale(wanted) == [path, other]
    draw.refresh(wanted)
    assert path.read_text() == wanted[path]
    assert not other.exists()


@pytest.mark.parametrize("option", help.options("optimizer"))
def test_a_path_does_not_hang_on_last_bits(option: str) -> None:
    paths = script("draw_paths")
    x, y = paths.START
    given = paths.GIVEN[option]
    one, other = paths.way(option, **given), paths.way(option, (x + 1e-9, y - 1e-9), **given)
    assert not one[0].equal(other[0])
    assert (one - other).abs().max() < 1e-5
    assert (one[1:] - one[:-1]).abs().amax(1).min() > 1e-4, "it does not stand still"


def test_a_path_is_that_of_the_rule() -> None:
    paths = script("draw_paths")
    c, s = torch.tensor(paths.ANGLE).double().cos(), torch.tensor(paths.ANGLE).double().sin()
    turn = torch.stack([torch.stack([c, s]), torch.stack([-s, c])])
    bend = turn.T @ torch.diag(torch.tensor([1.0, paths.STEEP]).double()) @ turn
    shrink = torch.eye(2).double() - 0.1 * bend
    expected = [torch.tensor(paths.START).double()]
    for _ in range(paths.STEPS):
        expected.append(shrink @ expected[-1])
    torch.testing.assert_close(paths.way("sgd", lr=0.1), torch.stack(expected), atol=1e-6, rtol=0)


def test_words_of_a_figure_are_not_rounded_and_places_are() -> None:
    text = '<text x="1.2345" style="a: 2.55">std 0.036</text>'
    assert script("ink").rounded(text) == '<text x="1.2" style="a: 2.5">std 0.036</text>'
