"""Numbers that a curve is judged by."""

import math

import numpy as np
from numpy.typing import NDArray

from seedbed.doctor._case import Curve

Values = NDArray[np.float64]
EXACT = 30  # values up to which all orders are counted


def finite(curve: Curve) -> Curve:
    """Return the points whose value is a number."""
    known = np.isfinite(curve.values)
    return curve if known.all() else Curve(curve.steps[known], curve.values[known])


def ema(values: Values, span: float) -> Values:
    """Return the exponential moving average `(n,)`, free of the bias of its start.

    Formula: mₜ = Σ (1 - α)ⁱ xₜ₋ᵢ / Σ (1 - α)ⁱ over i = 0…t, α = 2 / (span + 1).
    """
    keep = 1 - 2 / (span + 1)
    smooth = np.empty(len(values))
    total = weight = 0.0
    for at, value in enumerate(values):
        total, weight = keep * total + value, keep * weight + 1
        smooth[at] = total / weight
    return smooth


def thinned(curve: Curve, most: int) -> Curve:
    """Return at most `most` points, each the mean of as many neighbours, at the last one's step."""
    n = len(curve)
    if n <= most:
        return curve
    edges = np.linspace(0, n, most + 1).astype(int)
    sums = np.add.reduceat(curve.values, edges[:-1])
    return Curve(curve.steps[edges[1:] - 1], sums / np.diff(edges))


def mann_kendall(values: Values) -> tuple[float, float]:
    """Return Kendall's τ_b of values against their order, and the two-sided p of no trend.

    Source: Mann 1945, "Nonparametric Tests Against Trend", https://doi.org/10.2307/1907187;
    Kendall 1970, "Rank Correlation Methods", for ties.  p is exact for up to 30 values without
    ties, else that of the normal limit.

    Args:
        values: `(n,)`, finite.

    Returns:
        τ in [-1, 1], and p in [0, 1]; 0 and 1 where there are less than two different values.
    """
    n = len(values)
    _, counts = np.unique(values, return_counts=True)
    if len(counts) < 2:
        return 0.0, 1.0
    rows = (np.sign(values[i + 1 :] - values[i]).sum() for i in range(n - 1))
    score = float(sum(rows))
    pairs = n * (n - 1) / 2
    tied = float((counts * (counts - 1)).sum()) / 2
    tau = score / math.sqrt(pairs * (pairs - tied))
    if tied == 0 and n <= EXACT:
        return tau, _exact(n, score)
    spread = n * (n - 1) * (2 * n + 5) - float((counts * (counts - 1) * (2 * counts + 5)).sum())
    return tau, math.erfc(abs(score) / math.sqrt(spread / 18) / math.sqrt(2))


def _exact(n: int, score: float) -> float:
    """Return the share of the orders of n values whose score is at least as far from 0."""
    ways = np.ones(1)  # by the number of pairs that stand the wrong way round
    for size in range(2, n + 1):
        ways = np.convolve(ways, np.ones(size))
    pairs = n * (n - 1) // 2
    scores = pairs - 2 * np.arange(pairs + 1)
    return float(ways[np.abs(scores) >= abs(score)].sum() / ways.sum())


def recent(values: Values, share: float = 0.1, least: int = 3) -> float:
    """Return the median of the last values: a share of them, some at least, most of them never."""
    count = max(round(len(values) * share), min(least, (len(values) + 1) // 2))
    return float(np.median(values[-count:]))


def last_part(curve: Curve, share: float) -> Curve:
    """Return the points in the last share of the steps from the first to the last one."""
    begin = curve.steps[-1] - share * (curve.steps[-1] - curve.steps[0])
    kept = curve.steps >= begin
    return Curve(curve.steps[kept], curve.values[kept])
