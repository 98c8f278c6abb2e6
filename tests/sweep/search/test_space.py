"""The space of a search: what is read from Hydra's words, and what is held against the gate."""

import pytest

from seedbed.run.folder import Refused
from seedbed.sweep.search.space import Choice, Interval, corners, plain, read, said, space

LOG = "tag(log,interval(1e-4,1e-1))"


@pytest.mark.parametrize(
    ("word", "axis"),
    [
        ("a=x,y", Choice("a", ("x", "y"))),
        ("++a.b=choice(1,[2,3])", Choice("++a.b", ("1", "[2,3]"))),
        ("a=interval(1,8)", Interval("a", 1.0, 8.0)),
        ("a=int(interval(1,8))", Interval("a", 1, 8)),
        (f"a={LOG}", Interval("a", 1e-4, 1e-1, log=True)),
        ("a=range(2,9,3)", Interval("a", 2, 8, step=3)),
        ("a=range(5,1,-2)", Interval("a", 3, 5, step=2)),
        ("a=range(0,1,0.25)", Interval("a", 0, 0.75, step=0.25)),
    ],
)
def test_words_are_read_as_hydra_means_them(word: str, axis: object) -> None:
    axes, fixed = space(read([word, "c=1"]))
    assert axes == [axis]
    assert fixed == ["c=1"]


@pytest.mark.parametrize("word", ["a=x,y", f"a={LOG}", "a=int(interval(1,8))", "a=range(2,9,3)"])
def test_an_axis_is_said_as_it_was_typed(word: str) -> None:
    [axis], _ = space(read([word]))
    [again], _ = space(read([f"a={said(axis)}"]))
    assert again == axis


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "nothing varies"),
        (["a=1"], "nothing varies"),
        (["a=interval(2,1)"], r"a=interval\(2,1\): the first end must lie below the second"),
        (["a=interval(1,1)"], "the first end must lie below the second"),
        (["a=interval(0,inf)"], "both ends must be finite"),
        (["a=tag(log,interval(0,1))"], "a logarithm needs ends above 0, got 0"),
        (["a=range(3,3)"], "there is no value in it"),
        (["seed=0,1"], "a search that draws the seed finds luck"),
        (["data.seed=interval(0,9)"], "a search that draws the seed finds luck"),
    ],
)
def test_a_space_with_nothing_in_it_is_refused(words: list[str], line: str) -> None:
    with pytest.raises(Refused, match=line):
        space(read(words))


def test_corners_say_every_end_and_every_choice() -> None:
    axes, _ = space(read(["a=x,y,z", "b=interval(0,1)"]))
    assert list(corners(axes)) == [
        ["a=x", "b=0.0"],
        ["a=y", "b=0.0"],
        ["a=z", "b=0.0"],
        ["a=x", "b=1.0"],
    ]


@pytest.mark.parametrize(
    ("axis", "value", "word"),
    [
        (Interval("a", 1e-4, 1e-1, log=True), 0.0123456, "a=0.01235"),
        (Interval("a", 0.0, 0.5), 0.123456, "a=0.1235"),
        (Interval("a", 0.9, 0.9999), 0.99987654, "a=0.99988"),
        (Interval("a", 0.1, 0.30004), 0.30004, "a=0.3"),
        (Interval("a", 0.30004, 1.0), 0.30004, "a=0.30004"),  # never below its end
        (Interval("a", 1, 8), 3, "a=3"),
    ],
)
def test_values_are_said_with_digits_that_tell_something(
    axis: Interval, value: float, word: str
) -> None:
    assert axis.word(value) == word


@pytest.mark.parametrize(
    ("axis", "edges"),
    [
        # 2 % of four decades: .08 of a decade, a factor of 1.2
        (
            Interval("a", 1e-5, 1e-1, log=True),
            {1.1e-5: "lower", 1.3e-5: "", 0.09: "upper", 0.07: ""},
        ),
        (Interval("a", 0.0, 1.0), {0.01: "lower", 0.03: "", 0.985: "upper", 0.97: ""}),
        (Interval("a", 1, 100), {1: "lower", 2: "", 100: "upper", 99: ""}),
    ],
)
def test_an_end_is_near_on_the_axis_own_scale(axis: Interval, edges: dict[float, str]) -> None:
    assert {value: axis.edge(value) for value in edges} == edges


def test_sizes_and_plain_words() -> None:
    axes, _ = space(
        read(["a=x,y", "++b=int(interval(1,8))", "c=range(0,1,0.25)", "d=interval(0,1)"])
    )
    assert [axis.size for axis in axes] == [2, 8, 4, float("inf")]
    assert plain(axes) == {
        "a": "x,y",
        "b": "int(interval(1,8))",
        "c": "range(0.0,1.0,0.25)",
        "d": "interval(0.0,1.0)",
    }
