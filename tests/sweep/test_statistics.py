"""Statistics of few numbers, held against scipy and against studies in which nothing differs."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from written import ended

from seedbed.sweep import statistics
from seedbed.sweep.comparison import Comparison, compared
from seedbed.sweep.groups import grouped
from seedbed.sweep.statistics import CLAIM, difference, every_pair, holm, interval

RANDOM = np.random.default_rng(0)
SAMPLES = [RANDOM.normal(3, 2, size=n).tolist() for n in (2, 3, 5, 10)]


def by_seed(values: list[float], first: int = 0) -> dict[int, float]:
    return dict(enumerate(values, first))


@pytest.mark.parametrize("values", SAMPLES)
def test_the_interval_is_that_of_scipy(values: list[float]) -> None:
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
    )
    ours = interval(values)
    assert ours.half is not None
    assert (ours.mean - ours.half, ours.mean + ours.half) == pytest.approx((low, high), rel=1e-12)


def test_an_interval_by_hand_and_none_from_one_number() -> None:
    ours = interval([1.0, 2.0, 3.0])  # s = 1; t(0.975, 2) = 4.302653
    assert ours.mean == 2
    assert ours.half == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert interval([5.0]) == statistics.Interval(5.0, None, 1)


def test_folds_know_less_than_as_many_seeds() -> None:
    ours = interval([1.0, 2.0, 3.0], overlap=0.5)  # Nadeau & Bengio: 1/3 + 1/2
    assert ours.half == pytest.approx(4.302653 * math.sqrt(5 / 6), rel=1e-6)


@pytest.mark.parametrize("values", SAMPLES)
def test_a_paired_difference_is_that_of_scipy(values: list[float]) -> None:
    others = RANDOM.normal(2, 1, size=len(values)).tolist()
    ours, theirs = difference(by_seed(values), by_seed(others)), stats.ttest_rel(values, others)
    low, high = theirs.confidence_interval(0.95)
    assert ours.how == "paired"
    assert ours.half is not None
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (ours.mean - ours.half, ours.mean + ours.half) == pytest.approx((low, high), rel=1e-9)


def test_only_seeds_that_both_have_are_paired() -> None:
    ours = difference({0: 1.0, 1: 2.5, 2: 3.0, 7: 99.0}, {0: 0.5, 1: 1.0, 2: 2.9})
    theirs = stats.ttest_rel([1.0, 2.5, 3.0], [0.5, 1.0, 2.9])
    assert (ours.n, ours.how, ours.p) == (3, "paired", pytest.approx(theirs.pvalue, rel=1e-9))


def test_other_seeds_are_compared_by_welch_as_scipy_does() -> None:
    a, b = SAMPLES[1], [v * 3 + 1 for v in SAMPLES[2]]
    ours = difference(by_seed(a), by_seed(b, first=10))
    theirs: Any = stats.ttest_ind(a, b, equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert ours.how == "Welch"
    assert ours.half is not None
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (ours.mean - ours.half, ours.mean + ours.half) == pytest.approx((low, high), rel=1e-9)


def test_one_seed_has_a_difference_and_no_test() -> None:
    ours = difference({0: 1.0}, {0: 3.0, 1: 5.0})
    assert (ours.mean, ours.half, ours.p, ours.how) == (-3.0, None, 1.0, "one seed")


def test_equal_differences_count_by_their_signs_alone() -> None:
    coarse = difference(by_seed([0.5] * 3), by_seed([0.4] * 3))
    assert coarse.p == 0.25  # 2 · 2⁻³: all three of one sign
    assert coarse.half is None
    assert difference(by_seed([0.5] * 5), by_seed([0.5] * 5)).p == 1


def test_holm_by_hand_and_in_the_order_given() -> None:
    assert holm([0.03, 0.01, 0.04, 0.2]) == pytest.approx([0.09, 0.04, 0.09, 0.2])
    assert holm([]) == []


def test_every_pair_shares_the_level() -> None:
    groups = [by_seed(RANDOM.normal(k, 1, 4).tolist()) for k in range(3)]
    raw = {
        (i, j): stats.ttest_rel([*groups[i].values()], [*groups[j].values()]).pvalue
        for i, j in itertools.combinations(range(3), 2)
    }
    ours = every_pair(groups)
    smallest = min(raw, key=lambda at: raw[at])
    assert ours[smallest] == pytest.approx(min(1, 3 * raw[smallest]))
    assert every_pair([{0: 1.0}, groups[0], groups[1]]).keys() == {(1, 2)}


def study(numbers: np.ndarray, mode: str = "min") -> Comparison:
    """Compare settings `(k, n)`: a row a setting, a column a seed."""
    runs = [
        ended([f"optimizer={k}", f"seed={seed}"], {"val/loss": float(value)})
        for k, row in enumerate(numbers)
        for seed, value in enumerate(row)
    ]
    return compared(grouped(runs), "val/loss", mode)


NOTHING_DIFFERS = {
    "normal": lambda random, k, n: random.normal(size=(k, n)),
    "a seed that moves all": lambda random, k, n: (
        random.normal(size=(k, n)) + 5 * random.normal(size=(1, n))
    ),
    "spreads from 1 to 10": lambda random, k, n: (
        random.normal(size=(k, n)) * np.geomspace(1, 10, k)[:, None]
    ),
    "right answers of 50": lambda random, k, n: random.binomial(50, 0.95, size=(k, n)) / 50,
    "heavy tails": lambda random, k, n: random.standard_t(3, size=(k, n)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", NOTHING_DIFFERS)
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("n", [3, 5])
def test_settings_that_do_not_differ_have_no_winner(kind: str, k: int, n: int) -> None:
    random, studies, alarms = np.random.default_rng([k, n]), 1000, 0
    for _ in range(studies):
        found = study(NOTHING_DIFFERS[kind](random, k, n))
        alarms += any(not row.tied for row in found.rows[1:])  # one is enough to be misled
        assert found.winner is None or not any(row.tied for row in found.rows)
    assert alarms <= 0.05 * studies


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_setting_that_is_better_by_far_wins(mode: str) -> None:
    random, sign = np.random.default_rng(1), 1 if mode == "min" else -1
    wins = 0
    for _ in range(100):
        numbers = random.normal(size=(3, 5)) + sign * np.array([[20.0], [0.0], [10.0]])
        found = study(numbers, mode)
        assert found.rows[0].label == "optimizer=1"
        wins += found.winner is not None and found.winner.label == "optimizer=1"
    assert wins > 90


def test_as_many_seeds_as_are_said_to_be_needed_would_tell() -> None:
    n = statistics.seeds_needed(0.5, 1.0, tests=1)
    assert n is not None
    for count, tells in ((n - 1, False), (n, True)):
        t = 0.5 * math.sqrt(count)
        assert (2 * stats.t.sf(t, count - 1) <= CLAIM) == tells
    assert statistics.seeds_needed(1e-6, 1.0, tests=1) is None
