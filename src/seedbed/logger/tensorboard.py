"""Event files for `tensorboard --logdir`."""

import time
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from tensorboard.compat.proto import event_pb2, summary_pb2

from seedbed.logger.csv import PAUSE

event: Any = event_pb2  # classes made while importing, which no type checker sees
summary: Any = summary_pb2
QUEUE = 10_000  # events that the thread which writes may be behind, before training waits for it


class TensorBoard(TensorBoardLogger):
    """Curves, input images and hyper-parameters for `tensorboard --logdir`.

    Lightning's, but what is logged at once is one event, and the thread that writes is woken once
    a second: while it works, training waits for Python.

    Args:
        save_dir: the folder of the run.
        name: of a folder in it, "" for none.
        version: of a folder in that.
        default_hp_metric: whether to show a metric that nobody has measured.
    """

    def __init__(
        self, save_dir: str, name: str = "", version: str = "", default_hp_metric: bool = False
    ) -> None:
        super().__init__(
            save_dir, name, version, default_hp_metric=default_hp_metric, max_queue=QUEUE
        )
        self.waiting: list[Any] = []  # events
        self.woken = time.monotonic()

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Take in scalars as one event."""
        values = [summary.Summary.Value(tag=k, simple_value=float(v)) for k, v in metrics.items()]
        new = event.Event(wall_time=time.time(), step=step, summary=summary.Summary(value=values))
        self.waiting.append(new)
        if time.monotonic() - self.woken > PAUSE:
            self.hand_over()

    @rank_zero_only
    def hand_over(self) -> None:
        """Let what waits be written."""
        if not self.waiting:
            return  # asking for the writer of a file that is closed would open another
        writer: Any = self.experiment._get_file_writer()
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            writer.add_event(each, each.step, each.wall_time)
        self.woken = time.monotonic()

    @rank_zero_only
    def save(self) -> None:
        """Let all be written."""
        self.hand_over()
        super().save()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Let all be written, and close the file."""
        self.hand_over()
        super().finalize(status)
