"""A sweep folder as it lies there: its jobs, what was planned, and what it is ranked by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from seedbed.nearest import nearest
from seedbed.rules.value import DIRECTION, direction
from seedbed.run.status import OK
from seedbed.sweep import runs
from seedbed.sweep.comparison import Comparison, compared
from seedbed.sweep.groups import grouped
from seedbed.sweep.runs import Run

RECORD = "sweep.yaml"  # what the sweep wants: the words of its jobs, and its monitor


@dataclass(frozen=True)
class Sweep:
    """A sweep, read."""

    folder: Path
    jobs: list[Run]
    planned: list[Sequence[str]] = field(default_factory=list)  # the words of every job
    metric: str = "val/loss"
    mode: str = "min"
    others: tuple[str, ...] = ("test/loss",)  # metrics that are shown beside it
    notes: list[str] = field(default_factory=list)  # what could not be read, a line each
    search: dict[str, Any] = field(default_factory=dict)  # what proposed its jobs; {}: a grid
    words: list[str] = field(default_factory=list)  # overrides as typed


def is_sweep(folder: Path) -> bool:
    """Return whether a folder holds the numbered jobs of a sweep."""
    return (folder / RECORD).is_file() or (folder / "multirun.yaml").is_file() or any(jobs(folder))


def jobs(folder: Path) -> list[Path]:
    """Return the folders of the jobs by their numbers."""
    inside = folder.iterdir() if folder.is_dir() else ()
    found = [f for f in inside if f.name.isdecimal() and f.is_dir() and runs.is_run(f)]
    return sorted(found, key=lambda f: int(f.name))


def read(folder: Path) -> Sweep:
    """Return what is known of a sweep; a job that is damaged costs a line and nothing else."""
    every = [runs.read(job) for job in jobs(folder)]
    record, notes = recorded(folder)
    notes += [f"job {run.folder.name}: {run.damage}; left out" for run in every if run.damage]
    unknown = [run for run in every if not run.words and not run.damage]
    notes += [f"job {run.folder.name}: overrides.txt is gone; left out" for run in unknown]
    config = next(filter(None, (runs.config(run.folder) for run in every)), {})
    name, mode = monitor(record if record.get("monitor") else config)
    search = record.get("search")
    search = search if isinstance(search, dict) and isinstance(record.get("words"), list) else {}
    others = (*list(search.get("goals", {}))[1:], *beside(config, name))
    shown = tuple(dict.fromkeys(others))
    words = list(map(str, record.get("words", []))) if search else []
    return Sweep(folder, every, planned(record), name, mode, shown, notes, search, words)


def recorded(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the record of a sweep, {} where there is none, and what is wrong with it."""
    file = folder / RECORD
    try:
        content = runs.parsed(file.read_text())
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        content = None
    if not isinstance(content, dict):
        return {}, [f"{RECORD} is damaged: what it planned is not known"]
    return content, []


def planned(record: Mapping[str, Any]) -> list[Sequence[str]]:
    """Return the words of the jobs that a sweep wants, as far as they are written down."""
    found: list[Sequence[str]] = []
    for job in record.get("jobs") or ():
        said = job.get("overrides") if isinstance(job, Mapping) else job
        if isinstance(said, list):
            words = [str(word).removeprefix("++") for word in said]
            found.append([word for word in words if runs.key(word) not in runs.LEFT_OUT])
    return found


def monitor(said: Mapping[str, Any]) -> tuple[str, str]:
    """Return the metric that a sweep is ranked by and its mode, by its record or its first job."""
    node = said.get("monitor")
    if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
        return "val/loss", "min"
    name, mode = node["name"], str(node.get("mode", "auto"))
    if mode == "auto" and name.rpartition("/")[2] not in DIRECTION:
        return name, "min"
    return name, direction(name, mode)


def beside(config: Mapping[str, Any], metric: str) -> tuple[str, ...]:
    """Return the metrics that were asked for with `show`, else what the test split says of it."""
    asked = config.get("show")
    if isinstance(asked, list):
        return tuple(name for name in asked if isinstance(name, str) and name != metric)
    return (f"test/{metric.rpartition('/')[2]}",)


def compare(sweep: Sweep) -> Comparison:
    """Return the leaderboard of a sweep."""
    groups = grouped(sweep.jobs, sweep.planned)
    return compared(groups, sweep.metric, sweep.mode, sweep.others)


def unlogged(sweep: Sweep) -> str:
    """Return the line about a metric that no run logged; "" if one did, or none ended well."""
    ended = [run for run in sweep.jobs if run.status == OK]
    if not ended or any(sweep.metric in run.metrics for run in ended):
        return ""
    known = sorted({name for run in ended for name in run.metrics})
    return f"monitor.name={sweep.metric}: no run logged it; {nearest(sweep.metric, known)}"
