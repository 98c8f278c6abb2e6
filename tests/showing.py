"""Runs demonstrations and reads what came of them."""

import csv
import json
from itertools import pairwise

from conftest import Ended, Train

from seedbed.command import Command, jobs


def shown(demo: str, train: Train) -> list[Ended]:
    """Run every job of a demonstration in this process, in the order of its sweep."""
    command = Command.read(["-m", f"experiment=demo_{demo}"])
    quiet = ["trainer.enable_progress_bar=false", "logger=csv"]
    return [train(*words, *quiet) for words in jobs(command)]


def metrics(ended: Ended) -> dict[str, float]:
    """Return the last number of every metric."""
    return json.loads((ended.folder / "metrics.json").read_text())


def status(ended: Ended) -> str:
    """Return how a run ended."""
    return json.loads((ended.folder / "status.json").read_text())["status"]


def curve(ended: Ended, name: str) -> list[float]:
    """Return a metric over the epochs."""
    with (ended.folder / "history.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


def rises(values: list[float]) -> float:
    """Return the sum of all that goes up."""
    return sum(max(0, later - earlier) for earlier, later in pairwise(values))
