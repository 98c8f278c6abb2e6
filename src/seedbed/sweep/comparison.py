"""Which setting of a sweep is the best, which cannot be told from it, and whether any wins."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from seedbed.run.status import OK
from seedbed.sweep import statistics
from seedbed.sweep.groups import Group, Repeat, folds, label, varied
from seedbed.sweep.statistics import CLAIM, Difference, Interval


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard."""

    group: Group
    label: str
    interval: Interval | None  # of the metric that is ranked by; None: no run has it
    behind: Difference | None  # to the best; None for the best and where there is no number
    p: float | None  # adjusted for all pairs
    tied: bool  # whether it cannot be told from the best
    seconds: float | None  # mean of a run that ended well


@dataclass(frozen=True)
class Comparison:
    """A sweep, compared."""

    metric: str
    mode: str  # min or max
    others: Sequence[str]  # metrics that are shown and choose nothing
    rows: list[Row]  # the best first, then those without a number
    keys: list[str]  # in which the settings differ
    overlap: float  # of training sets, by folds
    winner: Row | None
    verdict: str  # a line: who wins, or why nobody does
    front: Sequence[Row] = ()  # of a search by several metrics: those that no other one dominates


def compared(
    groups: Sequence[Group], metric: str, mode: str, others: Sequence[str] = ()
) -> Comparison:
    """Return a sweep's leaderboard.

    Args:
        groups: its settings.
        metric: that is ranked by.
        mode: `min` if less of it is better, else `max`.
        others: metrics that are shown beside it.
    """
    keys, k = varied(groups), folds(groups)
    overlap = 1 / (k - 1) if k > 1 else 0.0
    order = ranked(groups, metric, mode)
    values = [group.values(metric) for group in order]
    adjusted = statistics.every_pair(values, overlap)
    rows = [
        row(group, at, values, adjusted, (metric, overlap), label(group, keys))
        for at, group in enumerate(order)
    ]
    numbered = [each for each in rows if each.interval]
    winner, verdict = judged(numbered, rows, metric, mode)
    return Comparison(metric, mode, others, rows, keys, overlap, winner, verdict)


def ranked(groups: Sequence[Group], metric: str, mode: str) -> list[Group]:
    """Return groups by their mean; after those that a seed has broken; last, without a number.

    What is left of a setting that diverges by some seeds is its lucky part.
    """

    def place(group: Group) -> tuple[bool, bool, float]:
        values = [*group.values(metric).values()]
        mean = fmean(values) if values else 0.0
        return not values, group.broken > 0, mean if mode == "min" else -mean

    return sorted(groups, key=place)


def row(
    group: Group,
    at: int,
    values: Sequence[dict[Repeat, float]],
    adjusted: dict[tuple[int, int], float],
    of: tuple[str, float],
    name: str,
) -> Row:
    """Return the line of the group at a place of the order."""
    _, overlap = of
    own = values[at]
    known = statistics.interval([*own.values()], overlap) if own else None
    took = [r.seconds for r in group.runs.values() if r.status == OK and r.seconds is not None]
    seconds = fmean(took) if took else None
    if at == 0 or known is None:
        return Row(group, name, known, None, None, False, seconds)
    behind = statistics.difference(own, values[0], overlap)
    p = adjusted.get((0, at))
    return Row(group, name, known, behind, p, p is None or p >= CLAIM, seconds)


def judged(
    numbered: Sequence[Row], rows: Sequence[Row], metric: str, mode: str
) -> tuple[Row | None, str]:
    """Return the winner, if there is one, and the line that says so or why not."""
    if not numbered:
        return None, f"nothing to compare: no run that ended well has {metric}"
    best, *others = numbered
    if len(rows) == 1:
        return None, "one setting: nothing to compare it with"
    if not others:
        return None, f"no winner: {best.label} alone has {metric}"
    if reason := untellable(best, rows):
        return None, f"no winner: {reason}"
    better = [o for o in others if ahead(o, mode)]
    tied = [o for o in others if o.tied or o in better]
    if tied:
        many = f"{len(tied)} of {len(others)} others" if len(others) > 1 else "the other one"
        return None, f"no winner: {many} cannot be told from {best.label}{more(tied, len(rows))}"
    worst = max(o.p or 0.0 for o in others)
    return best, f"{best.label} wins: every other is worse (p ≤ {worst:.2g}, adjusted)"


def untellable(best: Row, rows: Sequence[Row]) -> str:
    """Return why no number of differences would make the best a winner; nothing if none is."""
    assert best.interval is not None
    if max(each.interval.n for each in rows if each.interval) < 2:
        return "one seed tells nothing of chance; add 'seed=range(5)'"
    if best.interval.n < 2:
        return f"{best.label} has one seed, which tells nothing of chance"
    if best.group.broken:
        return f"{best.group.broken} of {best.group.total} runs of {best.label} did not end well"
    open_ = [each for each in rows if each.group.unfinished]
    if open_:
        runs = sum(each.group.unfinished for each in open_)
        return f"{runs} {'run has' if runs == 1 else 'runs have'} no result yet"
    return ""


def ahead(other: Row, mode: str) -> bool:
    """Return whether a row has better numbers than the best, which seeds have not broken."""
    gap = other.behind.mean if other.behind else 0.0
    return gap < 0 if mode == "min" else gap > 0


def more(tied: Sequence[Row], settings: int) -> str:
    """Return how many seeds would tell half of the tied by their present differences, if known."""
    tests, needed = settings * (settings - 1) // 2, []
    for each in tied:
        gap = each.behind
        if gap is not None and gap.how == "paired" and gap.n > 2 and gap.half:
            deviation = gap.half / statistics.quantile(gap.n - 1) * gap.n**0.5
            n = statistics.seeds_needed(gap.mean, deviation, tests)
            needed.append(n or math.inf)
    half = (len(tied) + 1) // 2
    if len(needed) < half:
        return ""
    n, which = sorted(needed)[half - 1], "" if len(tied) == 1 else f" {half} of them"
    return f"; {'more than 1,000' if n == math.inf else f'about {n}'} seeds might tell{which}"
