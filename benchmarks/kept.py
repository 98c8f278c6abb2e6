"""Which promises of an experiment its runs have kept, and the table that says so."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from expected import DIVERGED, Bound, Claim, Header

from seedbed.report.number import number
from seedbed.run.status import OK
from seedbed.sweep.runs import Run

MISSING = re.compile(r"pip install|install the Debian package")  # what a refusal advises
HEADS = ("experiment", "of it", "metric", "expected", "measured", "", "time")


@dataclass(frozen=True)
class Row:
    """A promise and what became of it."""

    experiment: str
    words: str  # which of its runs
    metric: str
    expected: str
    measured: str
    verdict: str  # ok, OFF or skipped
    seconds: float  # that the experiment took


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int | None  # None: given up
    said: str  # to stderr, the last line
    seconds: float
    runs: Sequence[Run]


def judged(name: str, header: Header, ended: Ended) -> list[Row]:
    """Return a row a promise; one for all, where nothing was run."""
    if not ended.runs or ended.code is None:
        verdict = "skipped" if ended.code == 2 and MISSING.search(ended.said) else "OFF"
        return [Row(name, "", "", "", ended.said, verdict, ended.seconds)]
    return [
        Row(name, " ".join(claim.words), *outcome, ended.seconds)
        for claim in header.claims
        for outcome in outcomes(claim, [r for r in ended.runs if claim.covers(r.words)])
    ]


def outcomes(claim: Claim, found: Sequence[Run]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the metric, what was expected of it, what it was, and the verdict.

    Args:
        claim: on these runs.
        found: the runs.
    """
    ends = sorted({run.status for run in found}) or ["not run"]
    broken = claim.diverged and ends == [DIVERGED]
    if broken or not claim.bounds:
        yield "", DIVERGED, ", ".join(ends), "ok" if broken else "OFF"
        return
    left = [run for run in found if not (claim.diverged and run.status == DIVERGED)]
    for bound in claim.bounds:
        yield bound.metric, bound.text, *measured(bound, left)


def measured(bound: Bound, found: Sequence[Run]) -> tuple[str, str]:
    """Return the mean of a metric over runs, and whether it is within its bound."""
    ends = sorted({run.status for run in found}) or ["not run"]
    if ends != [OK]:
        return ", ".join(ends), "OFF"
    values = [run.metrics[bound.metric] for run in found if bound.metric in run.metrics]
    if len(values) < len(found):
        return "not logged", "OFF"
    mean = fmean(values)
    return number(mean), "ok" if bound.holds(mean) else "OFF"


def table(rows: Sequence[Row]) -> str:
    """Return all rows, and a line that counts them."""
    cells: list[tuple[str, ...]] = [HEADS]
    before = ""
    for row in rows:
        first = row.experiment != before
        before = row.experiment
        named = (row.experiment, f"{row.seconds:.0f} s") if first else ("", "")
        told = (row.words, row.metric, row.expected, row.measured, row.verdict)
        cells.append((named[0], *told, named[1]))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    return "\n".join(["", *lines, "", summary(rows)])


def summary(rows: Sequence[Row]) -> str:
    """Return how many numbers are as promised, and how long it took."""
    counts = {v: sum(row.verdict == v for row in rows) for v in ("ok", "OFF", "skipped")}
    took = sum({row.experiment: row.seconds for row in rows}.values())
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return f"{said}; {took / 60:.1f} minutes"
