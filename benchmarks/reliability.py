"""What it costs that a run can be killed at any moment: a ratio of training times.

`python benchmarks/reliability.py` trains the default run by turns as it is and without signals,
poisoned losses, verified and synchronised checkpoints and a heartbeat, and prints the median
ratio.  Without them checkpoints are written as often, by `torch.save` alone.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from lightning.pytorch.callbacks import Callback

from seedbed import config
from seedbed.checkpoint import best_and_last
from seedbed.checkpoint._file import PlainFile
from seedbed.command import Command
from seedbed.door import checked
from seedbed.run import build, status
from seedbed.run.pipeline import Run
from seedbed.run.quiet import quiet
from seedbed.task import supervised

WORDS = ["trainer.enable_progress_bar=false", "stages=fit", "callback=[gradient_clip,ema]"]


def plainly(
    self: PlainFile, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
) -> None:
    """Write a checkpoint as torch does."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, path)


@contextmanager
def bare() -> Iterator[None]:
    """Leave out everything that guards a run."""
    with (
        patch.object(build, "Boundary", Callback),
        patch.object(supervised, "poisonous", lambda loss: loss),
        patch.object(PlainFile, "save_checkpoint", plainly),
        patch.object(best_and_last, "poison", lambda *_: None),
    ):
        yield


@contextmanager
def guarded() -> Iterator[None]:
    """Train as always, with a heart that beats."""
    with tempfile.TemporaryDirectory() as place:
        record = status.Record(Path(place))
        yield
        record.end({"status": status.OK})


def seconds(around: Callable[[], Any], epochs: int, words: list[str]) -> float:
    """Return how long a training takes."""
    with tempfile.TemporaryDirectory() as place, around(), quiet():
        command = Command.read([*WORDS, *words, f"trainer.max_epochs={epochs}"])
        run = Run(replace(checked(command)[0], out=place), Path(place))
        assert run.parts  # built before the clock starts
        begun = time.perf_counter()
        run.fit()
        return time.perf_counter() - begun


def main() -> None:
    """Print the ratio with its spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("words", nargs="*", help="options of the run")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config.register()
    ways = (bare, guarded)
    for way in ways:
        seconds(way, 1, asked.words)  # what is loaded lazily
    ratios: list[float] = []
    for number in range(asked.rounds):
        order = ways if number % 2 else ways[::-1]
        took = {way: seconds(way, asked.epochs, asked.words) for way in order}
        ratios.append(took[guarded] / took[bare])
    low, middle, high = (sorted(ratios)[k] for k in (0, len(ratios) // 2, -1))
    print(f"guarded / bare: {middle:.3f} (median of {len(ratios)}, {low:.3f} to {high:.3f})")  # noqa: T201


if __name__ == "__main__":
    main()
