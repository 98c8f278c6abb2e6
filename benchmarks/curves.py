"""What the runs of an experiment have logged, as its figure shows it: a curve a job.

Runs that differ by their seed alone are one job.
"""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from expected import DIVERGED
from panel import Panel

from seedbed.sweep.runs import Run, key

DASHES = ("-", "--", ":")  # of the first six jobs, the next six, …
Curve = dict[float, float]  # of an epoch, a step or a layer


@dataclass(frozen=True)
class Job:
    """Runs that differ by nothing but their seed."""

    words: tuple[str, ...]  # that tell it from the other jobs
    runs: tuple[Run, ...]
    at: int  # among the jobs, from 0

    @property
    def ended(self) -> list[Run]:
        """Those that have not diverged."""
        return [run for run in self.runs if run.status != DIVERGED]

    @property
    def fate(self) -> str:
        """How many have diverged: nothing, `diverged` or `1 of 3 diverged`."""
        lost, every = len(self.runs) - len(self.ended), len(self.runs)
        return "" if not lost else DIVERGED if lost == every else f"{lost} of {every} {DIVERGED}"

    @property
    def look(self) -> dict[str, str]:
        """Its colour and its dashes."""
        return {"color": f"C{self.at % 6}", "linestyle": DASHES[self.at // 6 % len(DASHES)]}


def jobs(found: Sequence[Run]) -> list[Job]:
    """Return runs, those together that differ by their seed alone, in the order of the sweep."""
    words = [tuple(word.lstrip("+") for word in run.words) for run in found]
    shared = set(words[0]).intersection(*words)
    grouped: dict[tuple[str, ...], list[Run]] = {}
    for run, own in zip(found, words, strict=True):
        told = tuple(word for word in own if word not in shared and key(word) != "seed")
        grouped.setdefault(told, []).append(run)
    return [Job(told, tuple(runs), at) for at, (told, runs) in enumerate(grouped.items())]


def curve_of(run: Run, panel: Panel) -> Curve:
    """Return what a run has logged of a panel, without what has no place in it."""
    pattern = re.compile(re.escape(panel.metric).replace(r"\*", r"(\d+)"))
    found: Curve = {}
    file = run.folder / "history.csv"
    if not file.is_file():
        return found
    with file.open(newline="") as opened:
        for row in csv.DictReader(opened):
            for name, text in row.items():
                if text and (match := pattern.fullmatch(name)):
                    x = float(match[1] if panel.over == "layer" else row[panel.over])
                    if panel.over != "layer" or x not in found:
                        found[x] = float(text)
    low = 0.0 if panel.log else -math.inf
    return {x: y for x, y in sorted(found.items()) if x >= panel.start and low < y < math.inf}


def points(curve: Curve) -> tuple[list[float], list[float]]:
    """Return the places and the values of a curve."""
    return list(curve), list(curve.values())


def mean(curves: Sequence[Curve]) -> Curve:
    """Return the mean of some curves wherever all have a value."""
    shared = [x for x in curves[0] if all(x in curve for curve in curves)] if curves else []
    return {x: fmean(curve[x] for curve in curves) for x in shared}
