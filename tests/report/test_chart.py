"""Charts: where numbers stand, which are shown, and what is said of them."""

import json
import math
import re

import pytest

from seedbed.report import answers, changes, parallel
from seedbed.report.axis import Axis, is_log_spaced, round_numbers, said, spanning
from seedbed.report.chart import chart
from seedbed.report.curves import gaps
from seedbed.report.series import MOST, Look, Series, thinned


def test_axes_place_numbers_and_mark_round_ones() -> None:
    assert Axis(0, 10).place(2.5) == 0.25
    assert Axis(1e-4, 1, log=True).place(1e-2) == pytest.approx(0.5)
    assert round_numbers(0, 10) == [0, 2, 4, 6, 8, 10]
    assert round_numbers(-0.31, 0.29) == pytest.approx([-0.2, 0, 0.2])
    assert Axis(1e-4, 1e2, log=True).marks() == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100])
    assert spanning([3.0, 3.0]).low < 3 < spanning([3.0, 3.0]).high
    assert [said(v) for v in (0, 0.001, 1e-5, 123456.0)] == ["0", "0.001", "1e-5", "1.23e5"]


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([1e-4, 1e-3, 1e-2], True),
        ([1, 2, 4, 8, 16], True),
        ([1, 5, 10, 15], False),
        ([0.1, 0.2], False),
        ([0, 1, 100], False),
        ([2, 3, 4], False),
    ],
)
def test_a_logarithm_suits_what_is_spaced_by_factors(values: list[float], log: bool) -> None:
    assert is_log_spaced(values) == log


def test_a_line_runs_through_its_points_and_is_told_in_words() -> None:
    text = chart("loss", [Series("val/loss", [0, 1, 2], [4, 1, 2])])
    [drawn] = re.findall(r'class="line" stroke="var\(--c0\)" d="M([^"]+)"', text)
    x, y = zip(*(map(float, point.split()) for point in drawn.split("L")), strict=True)
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])
    assert (y[1] - y[0]) / (y[1] - y[2]) == pytest.approx(3, rel=1e-3)  # 4 → 1 and 1 → 2
    words = 'aria-label="loss over step. val/loss: 4 at first, 2 at last, least 1, greatest 4."'
    assert words in text
    known = json.loads(re.findall(r"json\">(.*?)</script>", text)[0])
    assert known["series"] == [{"name": "val/loss", "x": [0, 1, 2], "y": [4, 1, 2]}]


def test_what_is_no_number_is_left_out_and_nothing_draws_nothing() -> None:
    text = chart("loss", [Series("a", [0, 1, 2], [math.nan, 5, math.inf])])
    assert "nan" not in text.lower().replace("&", "")
    assert chart("loss", [Series("a", [0], [math.nan])]) == ""
    assert chart("loss", [Series("a", [0], [-1.0])], Look(log_y=True)) == ""


def test_names_cannot_end_the_script_they_stand_in() -> None:
    text = chart("</script><b>", [Series("</script>", [0, 1], [0, 1])])
    assert text.count("</script>") == 1


def test_long_curves_keep_their_peaks() -> None:
    y = [math.sin(k / 7) for k in range(10_000)]
    y[5003], y[7001] = 9.0, -9.0
    short = thinned(Series("a", list(range(10_000)), y))
    assert len(short.x) <= MOST + 2
    assert (max(short.y), min(short.y)) == (9.0, -9.0)
    assert (short.x[0], short.x[-1]) == (0, 9999)


def test_the_gap_is_validation_less_training_where_both_are_known() -> None:
    curves = {"train/loss": ([1.0, 2.0], [0.5, 0.25]), "val/loss": ([2.0, 3.0], [0.75, 0.5])}
    [gap] = gaps(curves)
    assert (gap.name, gap.x, gap.y) == ("loss", [2.0], [0.5])


def test_precision_and_recall_by_hand() -> None:
    cells = [[3, 1], [2, 4]]
    first, second = answers.scores(cells, ["a", "b"])
    assert first == ("a", 3 / 5, 3 / 4, 6 / 9, 4)
    assert second == ("b", 4 / 5, 4 / 6, 8 / 11, 6)


def test_a_class_that_is_never_answered_divides_by_nothing() -> None:
    assert next(answers.scores([[0, 2], [0, 3]], ["a", "b"])) == ("a", 0, 0, 0, 2)


def test_parallel_axes_are_of_numbers_or_of_names() -> None:
    rate = parallel.upright("lr", ["1e-4", "1e-3", "1e-2"])
    assert rate.axis is not None
    assert rate.axis.log
    names = parallel.upright("optimizer", ["sgd", "adam", "sgd"])
    assert [names.place("sgd"), names.place("adam")] == [0.25, 0.75]
    assert parallel.upright("x", ["1", "none"]).axis is None
    assert parallel.picture([{"lr": "1"}, {"lr": "2"}], [0.1, 0.2], "val/loss", "min") == ""


def test_a_config_is_told_by_what_differs_from_the_option_files() -> None:
    adam = {"_target_": "torch.optim.Adam", "lr": 0.5, "betas": [0.9, 0.999]}
    rows = list(changes.rows_of({"optimizer": adam, "seed": 3, "callback": {}}))
    assert ("optimizer.lr", "0.001", "0.5") in rows
    assert ("seed", "0", "3") in rows
    assert ("callback.ema", "on", "off") in rows
    assert not [row for row in rows if row[0] == "optimizer.betas"]


def test_a_replaced_technique_is_held_against_its_own_file() -> None:
    node = {"_target_": "seedbed.optimizer.lion.Lion", "lr": 7.0}
    rows = {row[0]: row[1:] for row in changes.rows_of({"optimizer": node})}
    assert rows["optimizer"] == ("Adam", "Lion")
    assert rows["optimizer.lr"][1] == "7.0"
    assert len(rows) == 2


def test_one_number_in_two_spellings_is_no_difference() -> None:
    node = {"_target_": "torch.optim.Adam", "lr": 0.001, "eps": 1e-8}
    assert "optimizer.eps" not in {row[0] for row in changes.rows_of({"optimizer": node})}
    node["eps"] = 1e-7
    assert ("optimizer.eps", "1e-8", "1.0e-07") in changes.rows_of({"optimizer": node})
