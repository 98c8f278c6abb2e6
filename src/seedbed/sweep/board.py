"""The leaderboard of a sweep in a terminal, a hundred columns wide."""

from collections.abc import Sequence
from statistics import fmean

from seedbed.report.number import duration, spread
from seedbed.run.status import OK, PRUNED
from seedbed.sweep import statistics
from seedbed.sweep.comparison import Comparison, Row
from seedbed.sweep.finished import Sweep, unlogged
from seedbed.sweep.groups import Group
from seedbed.sweep.runs import key, value

WIDTH = 100  # columns
SHOWN = 30  # settings; the tables have all
FEW = 3  # settings that ended alike and are named one by one
LABEL = 16  # columns that a setting and its ills have at least
TIED = "≈"
FRONT = "●"


def text(sweep: Sweep, comparison: Comparison, found: Sequence[str] = ()) -> str:
    """Return the leaderboard of a sweep, its verdict, how to read it, and what a search found."""
    if not sweep.jobs:
        return "\n".join([f"{sweep.folder}: an empty sweep; no job has begun", *sweep.notes])
    shown = comparison.rows[:SHOWN]
    rows = [line(each, comparison, first=at == 0) for at, each in enumerate(shown)]
    lines = aligned([heads(comparison), *rows])
    if left := len(comparison.rows) - len(shown):
        lines.append(f"… and {left} more in results.md")
    said = [unlogged(sweep) or comparison.verdict, *legend(comparison)]
    return "\n".join(["", *lines, "", *said, *losses(comparison), *sweep.notes, *found])


def heads(comparison: Comparison) -> list[str]:
    """Return the words above the columns."""
    metric = comparison.metric
    title = ", ".join(short(comparison.keys)) or "setting"
    return [title, "runs", metric, "", "to the best", *comparison.others, "time", "doctor"]


def short(keys: Sequence[str]) -> list[str]:
    """Return keys without what comes before their last dot, where that is enough to tell them."""
    last = [each.rpartition(".")[2] for each in keys]
    return [
        name if last.count(name) == 1 else whole for name, whole in zip(last, keys, strict=True)
    ]


def line(row: Row, comparison: Comparison, *, first: bool) -> list[str]:
    """Return the cells of a setting."""
    said = {key(word): value(word) for word in row.group.setting}
    return [
        ", ".join(said.get(k, "–") for k in comparison.keys) or row.label,
        count(row.group),
        "–" if row.interval is None else spread(row.interval.mean, row.interval.half),
        FRONT if row in comparison.front else TIED if row.tied else "",
        "best" if first and row.interval else behind(row),
        *(mean(row.group, name, comparison.overlap) for name in comparison.others),
        duration(row.seconds),
        doctor(row.group),
    ]


def mean(group: Group, metric: str, overlap: float) -> str:
    """Return the mean of a metric that chooses nothing."""
    values = [*group.values(metric).values()]
    known = statistics.interval(values, overlap) if values else None
    return "–" if known is None else spread(known.mean, known.half)


def count(group: Group) -> str:
    """Return how many runs of a setting ended well, of how many."""
    ended = group.total - sum(group.statuses().values())
    return str(ended) if ended == group.total else f"{ended} of {group.total}"


def behind(row: Row) -> str:
    """Return how far a setting is from the best."""
    return "" if row.behind is None else spread(row.behind.mean, row.behind.half, "+")


def doctor(group: Group) -> str:
    """Return the worst symptom that the doctor found in each run, with how many runs have it."""
    ills = [run.findings[0] for run in group.runs.values() if run.findings]
    worst = [name for level, name in ills if level in ("fail", "warn")]
    if worst:
        times = {name: worst.count(name) for name in dict.fromkeys(worst)}
        return "; ".join(f"{name} ×{n}" if n > 1 else name for name, n in times.items())
    ended = [run for run in group.runs.values() if run.status == OK]
    return "healthy" if ended and all(run.examined for run in ended) else ""


def losses(comparison: Comparison) -> list[str]:
    """Return a line for every setting whose runs did not all end well: how many, and why."""
    alike: dict[str, list[str]] = {}
    for row in comparison.rows:
        ended = ", ".join(f"{n} {name}" for name, n in row.group.statuses().items())
        runs = [run for run in row.group.runs.values() if run.status != PRUNED]
        why = next((run.why for run in runs if run.why), "")
        if ended:
            alike.setdefault(ended + (f" ({why})" if why else ""), []).append(row.label)
    found = []
    for ended, many in alike.items():
        shared = [f"{len(many)} settings, each"] if len(many) > FEW else many
        found += [f"{name}: {ended}" for name in shared]
    left = len(found) - SHOWN
    return [*found[:SHOWN], f"… and {left} more in runs.csv"] if left > 0 else found


def legend(comparison: Comparison) -> list[str]:
    """Return how to read the table, as far as it says what needs it."""
    rows = [each for each in comparison.rows if each.interval]
    kind = "smallest" if comparison.mode == "min" else "largest"
    lines = [f"ranked by the {kind} mean {comparison.metric}; the test split chooses nothing"]
    if any(each.interval and each.interval.half is not None for each in rows):
        what = "folds, widened as they share examples" if comparison.overlap else "seeds"
        lines.append(f"±: 95 % t-interval over {what}; to the best: seed by seed")
    if comparison.front:
        lines.append(f"{FRONT}: no trial is better in one of the metrics and as good in the others")
    if any(each.tied for each in rows):
        lines.append(
            f"{TIED}: cannot be told from the best (paired t, Welch where seeds differ; Holm over "
            f"all pairs, p ≥ {statistics.CLAIM})"
        )
    return lines


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of equal columns that fit the width; the first and the last column give way."""
    columns = [list(column) for column in zip(*cells, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    gaps = 2 * (sum(width > 0 for width in widths) - 1)
    over = sum(widths) + gaps - WIDTH
    for place, least in ((-1, LABEL), (0, LABEL)):
        cut = max(0, min(over, widths[place] - least))
        widths[place] -= cut
        over -= cut
    return [
        "  ".join(
            fitted(cell, width) for cell, width in zip(row, widths, strict=True) if width
        ).rstrip()
        for row in cells
    ]


def fitted(cell: str, width: int) -> str:
    """Return a cell of exactly this width; of what is too long the middle is left out."""
    if len(cell) <= width:
        return cell.ljust(width)
    tail = (width - 1) // 2
    return f"{cell[: width - 1 - tail]}…{cell[len(cell) - tail :]}"


def mean_of(group: Group, metric: str) -> float | None:
    """Return the mean of a metric over the runs of a setting, None where none has it."""
    values = [*group.values(metric).values()]
    return fmean(values) if values else None
