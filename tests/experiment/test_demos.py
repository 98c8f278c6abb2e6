"""Every demonstration shows what its header says."""

import csv
import json
from itertools import pairwise

import pytest
from conftest import Ended, Train

from seedbed.command import Command, jobs

pytestmark = pytest.mark.slow


def shown(demo: str, train: Train) -> list[Ended]:
    """Run every job of a demonstration in this process, in the order of its sweep."""
    command = Command.read(["-m", f"experiment=demo_{demo}"])
    quiet = ["trainer.enable_progress_bar=false", "logger=csv"]
    return [train(*words, *quiet) for words in jobs(command)]


def metrics(ended: Ended) -> dict[str, float]:
    return json.loads((ended.folder / "metrics.json").read_text())


def curve(ended: Ended, name: str) -> list[float]:
    with (ended.folder / "history.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


def rises(values: list[float]) -> float:
    return sum(max(0, later - earlier) for earlier, later in pairwise(values))


def test_schedule(train: Train) -> None:
    constant, exponential, cosine = (metrics(e)["train/loss"] for e in shown("schedule", train))
    noise = 0.25  # its variance, below which no model comes
    assert constant - noise > 3 * (exponential - noise)
    assert constant - noise > 3 * (cosine - noise)


def test_ema(train: Train) -> None:
    raw, averaged = (curve(e, "val/loss") for e in shown("ema", train))
    assert rises(averaged) < rises(raw) / 5
    assert averaged[-1] < raw[-1] - 0.02


def test_batch_size(train: Train) -> None:
    runs = shown("batch_size", train)
    one, some, full = (curve(e, "val/loss") for e in runs)
    assert rises(one) > 1
    assert rises(some) < 0.1
    assert rises(full) == 0
    assert full[-1] > 2
    assert one[-1] > 5 * some[-1]
    assert [curve(e, "step")[-1] for e in runs] == [11490, 360, 10]


def test_clipping(train: Train) -> None:
    exploded, clipped = shown("clipping", train)
    assert json.loads((exploded.folder / "status.json").read_text())["status"] == "diverged"
    assert metrics(clipped)["test/acc"] > 0.85
