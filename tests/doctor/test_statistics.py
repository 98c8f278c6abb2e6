"""The statistics of curves beside loops, SciPy and closed forms."""

import itertools
from typing import Any

import numpy as np
import pytest
from patient import curve
from scipy.stats import kendalltau

from seedbed.doctor import _statistics
from seedbed.doctor._statistics import ema, finite, last_part, mann_kendall, recent, thinned


def brute(values: np.ndarray) -> float:
    pairs = list(itertools.combinations(values, 2))
    score = sum(np.sign(b - a) for a, b in pairs)
    untied = sum(a != b for a, b in pairs)
    return score / np.sqrt(len(pairs) * untied)


@pytest.mark.parametrize("n", [2, 3, 4, 7, 30, 31, 80])
def test_tau_and_p_are_those_of_scipy_without_ties(n: int) -> None:
    values = np.random.default_rng(n).permutation(n).astype(float)
    method = "exact" if n <= _statistics.EXACT else "asymptotic"
    expected: Any = kendalltau(np.arange(n), values, method=method)
    assert mann_kendall(values) == pytest.approx((expected.statistic, expected.pvalue))
    assert mann_kendall(values)[0] == pytest.approx(brute(values))


@pytest.mark.parametrize("n", [3, 4, 9, 40])
def test_tau_and_p_are_those_of_scipy_with_ties(n: int) -> None:
    values = np.random.default_rng(n).integers(0, max(2, n // 3), n).astype(float)
    values[0] = values[1]
    values[-1] = values[1] + 1
    expected: Any = kendalltau(np.arange(n), values, method="asymptotic")
    assert mann_kendall(values) == pytest.approx((expected.statistic, expected.pvalue))
    assert mann_kendall(values)[0] == pytest.approx(brute(values))


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [3.0] * 9])
def test_without_two_different_values_there_is_no_trend(values: list[float]) -> None:
    assert mann_kendall(np.array(values)) == (0.0, 1.0)


def test_four_values_in_order_are_no_proof_and_five_are() -> None:
    assert mann_kendall(np.arange(4.0))[1] == pytest.approx(2 / 24)
    assert mann_kendall(np.arange(5.0))[1] == pytest.approx(2 / 120)


def test_the_moving_average_has_no_bias_at_its_start() -> None:
    values = np.array([4.0, 2.0, 8.0])
    assert ema(values, 3) == pytest.approx([4, (2 + 4 / 2) / 1.5, (8 + 2 / 2 + 4 / 4) / 1.75])
    assert ema(np.full(50, 7.0), 9) == pytest.approx(np.full(50, 7.0))


def test_thinned_means_keep_the_mean_and_the_last_step() -> None:
    found = thinned(curve(np.arange(12.0), every=1), 4)
    assert found.values.tolist() == [1, 4, 7, 10]
    assert found.steps.tolist() == [3, 6, 9, 12]
    assert thinned(found, 4) is found


def test_recent_is_the_median_of_the_end() -> None:
    assert recent(np.array([9.0, 1.0, 2.0, 50.0])) == 26  # of two, half of so few
    assert recent(np.array([9.0, 1.0, 2.0, 50.0, 3.0])) == 3
    assert recent(np.arange(100.0)) == 94.5
    assert recent(np.array([5.0])) == 5


def test_parts_of_a_curve_are_parts_of_its_steps() -> None:
    seen = curve([1, 2, np.nan, 4])
    assert finite(seen).values.tolist() == [1, 2, 4]
    assert last_part(seen, 1 / 3).steps.tolist() == [60, 80]
