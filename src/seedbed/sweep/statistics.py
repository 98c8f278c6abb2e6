"""Is a setting better, or was it lucky?  Intervals and tests of few numbers.

Formula: mean ± t(0.975, n - 1) s √(1/n + r);  r = 0 for seeds, 1/(k - 1) for k folds

Source: Student 1908, "The Probable Error of a Mean", Biometrika 6; Welch 1947, "The Generalization
of Student's Problem when Several Different Population Variances are Involved", Biometrika 34;
Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
Statistics 6; Nadeau & Bengio 2003, "Inference for the Generalization Error", Machine Learning 52,
https://doi.org/10.1023/A:1024068626366 (r: folds share most of their training examples).
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEVEL = 0.05  # of false alarms among studies in which no setting differs
CLAIM = LEVEL / 2  # of one look: the other half is for a second one, with more seeds
TINY = 1e-9  # a spread of this share of the numbers is one of rounding

Values = Mapping[Any, float]  # a number for every seed


@dataclass(frozen=True)
class Interval:
    """A mean and what chance may have added to it."""

    mean: float
    half: float | None  # width to both sides at 95 %; None: one number tells nothing of chance
    n: int


@dataclass(frozen=True)
class Difference:
    """How much one setting's numbers lie above another's."""

    mean: float
    half: float | None  # width of its 95 % interval to both sides; None: not known
    p: float  # chance of as large a difference where there is none; 1 where it cannot be told
    n: int  # pairs, or numbers of the smaller side
    how: str  # paired, Welch, or why there is no test


def interval(values: Sequence[float], overlap: float = 0.0) -> Interval:
    """Return the mean of some numbers with its 95 % t-interval.

    Args:
        values: at least one.
        overlap: r, by which numbers of overlapping training sets know less than they seem to.
    """
    n, centre = len(values), math.fsum(values) / len(values)
    if n < 2:
        return Interval(centre, None, n)
    error = spread(values) * math.sqrt(1 / n + overlap)
    return Interval(centre, quantile(n - 1) * error, n)


def difference(ours: Values, theirs: Values, overlap: float = 0.0) -> Difference:
    """Return how much our numbers lie above theirs, seed by seed where they share seeds.

    Args:
        ours: numbers by seed, at least one.
        theirs: numbers by seed, at least one.
        overlap: see `interval`.
    """
    both = [seed for seed in ours if seed in theirs]
    if len(both) > 1:
        return paired([ours[seed] - theirs[seed] for seed in both], overlap)
    if min(len(ours), len(theirs)) > 1:
        return welch([*ours.values()], [*theirs.values()], overlap)
    gap = math.fsum(ours.values()) / len(ours) - math.fsum(theirs.values()) / len(theirs)
    return Difference(gap, None, 1.0, min(len(ours), len(theirs)), "one seed")


def paired(gaps: Sequence[float], overlap: float) -> Difference:
    """Test whether differences have mean zero."""
    known = interval(gaps, overlap)
    assert known.half is not None
    if spread(gaps) <= TINY * max(map(abs, gaps)):
        # All alike: coarse numbers, or seeds that change nothing.  A spread of zero would make
        # anything significant, so that only the signs count, which are all the same.
        p = 1.0 if known.mean == 0 else 2.0 ** (1 - known.n)
        return Difference(known.mean, None, p, known.n, "equal differences")
    error = spread(gaps) * math.sqrt(1 / known.n + overlap)
    p = two_sided(known.mean / error, known.n - 1)
    return Difference(known.mean, known.half, p, known.n, "paired")


def welch(ours: Sequence[float], theirs: Sequence[float], overlap: float) -> Difference:
    """Test whether two samples of other seeds have the same mean, whatever their variances."""
    sides = [(spread(x) ** 2 * (1 / len(x) + overlap), len(x) - 1) for x in (ours, theirs)]
    gap = math.fsum(ours) / len(ours) - math.fsum(theirs) / len(theirs)
    n, whole = min(len(ours), len(theirs)), sum(part for part, _ in sides)
    if math.sqrt(whole) <= TINY * max(map(abs, (*ours, *theirs))):
        return Difference(gap, None, 1.0, n, "no spread")
    df = whole**2 / sum(part**2 / free for part, free in sides)
    error = math.sqrt(whole)
    return Difference(gap, quantile(df) * error, two_sided(gap / error, df), n, "Welch")


def spread(values: Sequence[float]) -> float:
    """Return the standard deviation of at least two numbers, of n - 1 degrees of freedom."""
    centre = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1))


def quantile(df: float) -> float:
    """Return the t that 95 % of Student's distribution lie within."""
    from scipy.special import stdtrit  # not needed by who never compares

    return float(stdtrit(df, 1 - LEVEL / 2))


def two_sided(t: float, df: float) -> float:
    """Return the chance of a t at least as far from zero."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values of which all below a level hold together at that level."""
    order = sorted(range(len(p)), key=lambda at: p[at])
    adjusted, most = [1.0] * len(p), 0.0
    for rank, at in enumerate(order):
        most = max(most, min(1.0, (len(p) - rank) * p[at]))
        adjusted[at] = most
    return adjusted


def every_pair(groups: Sequence[Values], overlap: float = 0.0) -> dict[tuple[int, int], float]:
    """Return the adjusted p-value of each pair `(i, j)`, i < j, of groups of two numbers or more.

    All pairs count, not only those with the best: which one is the best is not known beforehand,
    and among many settings that do not differ the luckiest and the unluckiest are far apart.
    """
    able = [at for at, group in enumerate(groups) if len(group) > 1]
    pairs = list(itertools.combinations(able, 2))
    raw = [difference(groups[i], groups[j], overlap).p for i, j in pairs]
    return dict(zip(pairs, holm(raw), strict=True))


def seeds_needed(gap: float, deviation: float, tests: int) -> int | None:
    """Return how many seeds would tell such a difference in half of all studies, None: over 1,000.

    Args:
        gap: difference of two settings.
        deviation: standard deviation of the paired differences.
        tests: that share the level.
    """
    from scipy.special import stdtrit

    for n in range(2, 1001):
        bound = float(stdtrit(n - 1, 1 - CLAIM / 2 / tests))
        if abs(gap) * math.sqrt(n) >= bound * deviation:
            return n
    return None
