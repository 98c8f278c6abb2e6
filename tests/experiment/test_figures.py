"""A figure shows the numbers that its runs have logged, and every demonstration has one."""

import html
import math
from pathlib import Path

import curves
import figure
import gallery
import numpy as np
import pytest
from expected import Header, Unreadable, claim, labelled, prose, read
from kept import Ended
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from panel import Panel, panel
from scripts import script

from seedbed.command import Command
from seedbed.command import jobs as jobs_of
from seedbed.sweep.runs import Run

DEMOS = sorted(path.stem for path in gallery.EXPERIMENTS.glob("demo_*.yaml"))
LOSS = panel("val/loss over epoch")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("val/loss over epoch", Panel("val/loss", "epoch", 0, log=False)),
        ("train/loss over step, log", Panel("train/loss", "step", 0, log=True)),
        ("val/acc over epoch from 5, log", Panel("val/acc", "epoch", 5, log=True)),
        ("signal/* over layer, log", Panel("signal/*", "layer", 0, log=True)),
        ("weight/zeros", Panel("weight/zeros", "", 0, log=False)),
    ],
)
def test_a_panel_is_read(written: str, meant: Panel) -> None:
    assert panel(written) == meant


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("val/loss over time", "'metric over epoch', 'metric/. over layer' or 'metric' is exp"),
        ("signal/* over epoch", "a '.' stands for the number of a layer"),
        ("signal/1 over layer", "a '.' stands for the number of a layer"),
        ("weight/zeros, log", "a bar begins at 0"),
        ("weight/zeros from 3", "a bar begins at 0"),
        ("signal/* over layer from 3", "a bar begins at 0, and layers at the first"),
    ],
)
def test_another_form_is_refused_by_name(broken: str, why: str) -> None:
    with pytest.raises(Unreadable, match=f"Figure: .*{why}"):
        panel(broken)


def test_each_line_and_what_a_semicolon_parts_is_a_panel() -> None:
    head = "# What it shows.\n# Command: python train.py experiment=x\n# Expected: diverged\n"
    both = "# Figure:   weight/zeros; weight/norm\n#           val/loss over epoch\n# Time: 2 s\n"
    metrics = [p.metric for p in read(head + both).panels]
    assert metrics == ["weight/zeros", "weight/norm", "val/loss"]
    assert read(head + "# Time: 2 s\n").panels == ()


def run(folder: Path, words: str, history: str = "", status: str = "ok", **metrics: float) -> Run:
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text(history)
    named = {name.replace("_", "/"): value for name, value in metrics.items()}
    return Run(folder, status, ("experiment=x", *words.split()), named)


def losses(*values: float) -> str:
    rows = (f"{10 * epoch},{epoch},{value}\n" for epoch, value in enumerate(values, 1))
    return "step,epoch,val/loss\n" + "".join(rows)


def drawn(asked: Panel, *found: Run) -> tuple[Figure, Axes]:
    drawing = Figure()
    figure.draw(drawing, [asked], curves.jobs(found), "outside right upper")
    return drawing, drawing.axes[0]


def lines(axes: Axes) -> list[list[tuple[float, float]]]:
    both = ((np.ravel(line.get_xdata()), np.ravel(line.get_ydata())) for line in axes.get_lines())
    return [list(zip(x.tolist(), y.tolist(), strict=True)) for x, y in both]


def legend(drawing: Figure) -> list[str]:
    return [text.get_text() for text in drawing.legends[0].get_texts()]


def test_a_job_is_a_line_of_what_it_logged_and_the_legend_is_in_their_order(
    tmp_path: Path,
) -> None:
    low = run(tmp_path / "0", "++a=1", losses(3, 2, 1))
    high = run(tmp_path / "1", "++a=2", losses(3, 4, 5))
    drawing, axes = drawn(LOSS, low, high)
    assert lines(axes) == [[(1, 3), (2, 2), (3, 1)], [(1, 3), (2, 4), (3, 5)]]
    assert legend(drawing) == ["a=2", "a=1"]
    _, axes = drawn(panel("val/loss over step from 15"), low, high)
    assert lines(axes)[0] == [(20, 2), (30, 1)]


def test_a_line_that_stops_ends_in_a_mark(tmp_path: Path) -> None:
    stopped = run(tmp_path / "0", "callback=[early_stopping]", losses(3, 2))
    _, axes = drawn(LOSS, stopped, run(tmp_path / "1", "callback=[]", losses(3, 2, 1)))
    assert lines(axes) == [[(1, 3), (2, 2)], [(2, 2)], [(1, 3), (2, 2), (3, 1)]]


def test_the_last_of_an_epoch_counts_and_the_first_of_a_layer(tmp_path: Path) -> None:
    rows = "step,epoch,signal/10,signal/2,val/loss\n0,0,0.5,4,\n1,0,9,9,8\n2,0,,,7\n"
    found = run(tmp_path / "0", "", rows)
    assert curves.curve_of(found, LOSS) == {0: 7}
    assert curves.curve_of(found, panel("signal/* over layer, log")) == {2: 4, 10: 0.5}


def test_what_has_diverged_says_so_and_has_no_say_in_the_scale(tmp_path: Path) -> None:
    good = run(tmp_path / "0", "a=1", losses(3, 2, 1))
    lost = run(tmp_path / "1", "a=2", losses(3, 1e20, math.inf), "diverged")
    drawing, axes = drawn(LOSS, good, lost)
    _, alone = drawn(LOSS, good)
    assert axes.get_ylim() == alone.get_ylim()
    assert lines(axes)[1] == [(1, 3), (2, 1e20)]
    assert lines(axes)[2] == [(2, axes.get_ylim()[1])]  # its cross, where it leaves
    assert legend(drawing) == ["a=2\ndiverged", "a=1"]


def test_seeds_are_thin_and_their_mean_is_thick(tmp_path: Path) -> None:
    found = [
        run(tmp_path / f"{seed}", f"a=1 seed={seed}", losses(*values))
        for seed, values in enumerate([(1, 2, 9), (3, 6)])  # one stops early
    ]
    other = run(tmp_path / "2", "a=2 seed=0", losses(8, 8, 8))
    drawing, axes = drawn(LOSS, *found, other)
    assert lines(axes)[2] == [(1, 2), (2, 4)]
    first, second, mean, _ = axes.get_lines()
    assert first.get_linewidth() == second.get_linewidth() < mean.get_linewidth()
    assert len({line.get_color() for line in (first, second, mean)}) == 1
    assert legend(drawing) == ["a=2", "a=1"]


def test_a_bar_has_its_words_its_value_and_its_length(tmp_path: Path) -> None:
    found = (
        run(tmp_path / "0", "a=1 seed=0", weight_norm=7.0),
        run(tmp_path / "1", "a=1 seed=1", weight_norm=8.0),
        run(tmp_path / "2", "a=2", status="diverged"),
    )
    _, axes = drawn(panel("weight/norm"), *found)
    assert [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)] == [7.5, 0]
    assert [text.get_text() for text in axes.texts] == ["7.5", "a=1", "diverged", "a=2"]


def test_one_seed_of_two_that_diverged_is_counted(tmp_path: Path) -> None:
    found = (
        run(tmp_path / "0", "seed=0", test_acc=0.5),
        run(tmp_path / "1", "seed=1", status="diverged"),
    )
    _, axes = drawn(panel("test/acc"), *found)
    assert axes.texts[0].get_text() == "0.5 (1 of 2 diverged)"
    assert axes.get_xlim() == (0, 1.3)


def test_a_figure_is_written_once_and_keeps_the_words_as_typed(tmp_path: Path) -> None:
    found = [run(tmp_path / f"{a}", f"a={a}", losses(3, a)) for a in (0.001, 0.125)]
    file = tmp_path / "pictures/x.svg"
    assert figure.write(file, "T.", [LOSS], found)
    assert "a=0.001" in file.read_text()
    assert "<title>T.</title>" in file.read_text()
    assert not figure.write(file, "T.", [LOSS], found)
    assert figure.write(file, "T.", [panel("val/loss over epoch, log")], found)


def test_what_was_not_logged_is_off(tmp_path: Path) -> None:
    header = Header((), (claim("diverged"),), 1, (panel("val/lost over epoch"),))
    ended = Ended(0, "", 1.0, [run(tmp_path / "0", "a=1", losses(1))])
    (row,) = gallery.drawn(tmp_path / "x.svg", "x", header, ended)
    assert (row.verdict, row.measured) == ("OFF", "val/lost was not logged")
    assert not (tmp_path / "x.svg").exists()


def test_an_asterisk_asks_for_many() -> None:
    assert list(gallery.chosen(["demo_l*"], gallery.EXPERIMENTS))[:2] == ["demo_l1", "demo_l2"]
    assert set(gallery.chosen(["demo_*"], gallery.EXPERIMENTS)) == set(DEMOS)
    with pytest.raises(KeyError, match=r"domo_.: no such experiment"):
        gallery.chosen(["domo_*"], gallery.EXPERIMENTS)


@pytest.mark.parametrize("name", DEMOS)
def test_a_demonstration_has_a_figure_that_names_its_jobs_and_a_part_of_the_page(
    name: str,
) -> None:
    header = read((gallery.EXPERIMENTS / f"{name}.yaml").read_text())
    assert header.panels
    text = html.unescape((gallery.PICTURES / f"{name}.svg").read_text())
    every = [
        Run(Path("x"), "ok", tuple(words)) for words in jobs_of(Command.read(list(header.command)))
    ]
    for job in curves.jobs(every):
        assert all(f">{word}<" in text for word in job.words) or f">{' '.join(job.words)}<" in text
    for asked in header.panels:
        assert f">{asked.metric}<" in text
    page = script("demos").page()
    assert page.count(f"](pictures/experiment/{name}.svg)") == 1
    assert f"\npython train.py {' '.join(header.command)}\n" in page


def test_a_figure_belongs_to_an_experiment() -> None:
    drawn_ones = {path.stem for path in gallery.PICTURES.glob("*.svg")}
    assert drawn_ones <= {path.stem for path in gallery.EXPERIMENTS.glob("*.yaml")}


def test_the_page_marks_what_is_typed() -> None:
    marked = script("demos").marked
    assert marked("with init=[he], a*b; val/loss .4") == "with `init=[he]`, a\\*b; `val/loss` .4"
    assert marked("(of data.size=1) seed=range(5).") == "(of `data.size=1`) `seed=range(5)`."


def test_the_first_sentence_is_the_title() -> None:
    head = "# @package _global_\n# One: a b of .5.  Two.\n# Time: 2 s\n#           x\n# Three.\n"
    assert prose(labelled(head)) == ["One: a b of .5.", "Two. Three."]
    assert prose(labelled("# One")) == ["One"]
