"""All runs and sweeps under a folder: how they stand, what was set, what came of it.

Read from what they wrote as text, so that a thousand are listed in about a second.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedbed.report.number import duration, number, spread
from seedbed.run.status import OK
from seedbed.sweep import finished, runs
from seedbed.sweep.finished import RECORD
from seedbed.sweep.runs import FILES, Run

SWEEPS = (RECORD, "multirun.yaml")  # one of which makes a folder a sweep's
HEADS = ("status", "started", "folder", "set on the command line", "came of it", "time", "doctor")
WIDEST = 60  # columns that the words of a command may fill
SPLITS = ("test/", "val/", "train/")  # the most telling first
METRICS = 2  # that are shown of a run


@dataclass(frozen=True)
class Entry:
    """A line of the list."""

    status: str
    started: str
    folder: str
    words: str
    result: str
    time: str
    doctor: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Its columns, as in `HEADS`."""
        return (
            *(self.status, self.started, self.folder, self.words),
            *(self.result, self.time, self.doctor),
        )


def entries(root: Path) -> list[Entry]:
    """Return what lies in a folder and below it, the oldest first."""
    found = (entry_of_sweep(f, root) if sweeps else entry(f, root) for f, sweeps in walk(root))
    return sorted(found, key=lambda each: (each.started, each.folder))


def walk(root: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the folder of every run and sweep, and whether it is a sweep; none lies in another."""
    for place, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        is_sweep = any(name in files for name in SWEEPS)
        if is_sweep or any(name in files for name in FILES):
            folders.clear()
            yield Path(place), is_sweep


def entry(folder: Path, root: Path) -> Entry:
    """Return the line of a run."""
    run = runs.read(folder)
    return Entry(
        run.status,
        when(run.started),
        os.path.relpath(folder, root),
        " ".join(word.lstrip("+") for word in run.words) or "the default",
        run.damage or "  ".join(f"{k} {number(v)}" for k, v in telling(run.metrics)) or run.why,
        duration(run.seconds),
        verdict(run),
    )


def entry_of_sweep(folder: Path, root: Path) -> Entry:
    """Return the line of a sweep: its jobs by how they stand, and its best setting."""
    sweep = finished.read(folder)
    comparison = finished.compare(sweep)
    states = [run.status for run in sweep.jobs]
    times = {state: states.count(state) for state in dict.fromkeys(states)}
    missing = max(0, len(sweep.planned) - len(states))
    told = ", ".join(f"{n} {state}" for state, n in times.items())
    told += f", {missing} not run" if missing else ""
    best = comparison.rows[0] if comparison.rows else None
    result = comparison.verdict
    if best and best.interval:
        mark = "wins" if comparison.winner else "first, no winner"
        known = spread(best.interval.mean, best.interval.half)
        result = f"{best.label}: {sweep.metric} {known} ({mark})"
    seconds = [run.seconds for run in sweep.jobs if run.seconds is not None]
    return Entry(
        "sweep",
        when(min((run.started for run in sweep.jobs if run.started), default="")),
        os.path.relpath(folder, root),
        f"{', '.join(comparison.keys) or 'seeds'}: {told or 'no job has begun'}",
        "; ".join([result, *sweep.notes]),
        duration(sum(seconds) if seconds else None),
        "",
    )


def telling(metrics: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the metrics of the most telling split, the loss last."""
    for split in SPLITS:
        names = [name for name in metrics if name.startswith(split)]
        names.sort(key=lambda name: (name.endswith("/confidence"), name.endswith("/loss"), name))
        if names:
            chosen = [*names[: METRICS - 1], *(n for n in names[METRICS - 1 :] if "/loss" in n)]
            return [(name, metrics[name]) for name in chosen[:METRICS]]
    return []


def when(started: str) -> str:
    """Return a time of ISO 8601 in minutes."""
    return started[:16].replace("T", " ")


def verdict(run: Run) -> str:
    """Return the worst that the doctor found."""
    worst = [name for level, name in run.findings if level in ("fail", "warn")]
    return worst[0] if worst else "healthy" if run.examined and run.status == OK else ""


def text(root: Path, listed: Sequence[Entry]) -> str:
    """Return the list in aligned columns."""
    if not listed:
        return f"{root}: no run and no sweep lies there"
    cells = [HEADS, *((*e.cells[:3], cut(e.words), *e.cells[4:]) for e in listed)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return "\n".join([*lines, "", tally(listed)])


def cut(words: str) -> str:
    """Return the words of a command, without the end of many."""
    return words if len(words) <= WIDEST else f"{words[: WIDEST - 1]}…"


def tally(listed: Iterable[Entry]) -> str:
    """Return how many there are of each status."""
    states = [each.status for each in listed]
    named = {"sweep": "sweeps"} if states.count("sweep") > 1 else {}
    return ", ".join(f"{states.count(s)} {named.get(s, s)}" for s in dict.fromkeys(states))
