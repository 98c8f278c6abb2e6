"""What loggers are told beside the curves: the settings, the final metrics, how the run ended.

TensorBoard is shown the model and its first inputs, too.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.model_summary.model_summary import ModelSummary
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from seedbed.logger._tracker import Tracker
from seedbed.run.status import OK
from seedbed.task.supervised import Supervised

summary: Any = summary_pb2  # classes made while importing, which no type checker sees
api: Any = api_pb2
content: Any = plugin_data_pb2
PAGE = ".hparams"  # how the name of the file for the tab HPARAMS ends

WIRING = {  # what no number of a run depends on, or what is the run's own
    *("out", "run", "trust", "name", "show", "stages", "strict", "timeout", "predict", "report"),
    *("logger", "doctor", "preflight", "diagnose", "source", "controls", "num_threads"),
}


class Board(Callback):
    """Tells the loggers with what settings a run begins, and with what metrics it ends.

    Args:
        settings: of the run, by dotted key; without what the config keeps secret.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.open = False
        self.pages: list[SummaryWriter] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tell the settings, once all processes are there."""
        if self.open:
            return
        self.open = True
        for tracker in trackers(trainer):
            tracker.begin(self.settings)
        self.pages = [page(board.log_dir) for board in boards(trainer)]
        for written in self.pages:
            write_settings(written, self.settings)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the summary as text and watch the net's first input."""
        for board in boards(trainer):
            text = str(ModelSummary(pl_module, max_depth=3))
            board.experiment.add_text("model", f"```\n{text}\n```", trainer.global_step)
            watch_first_input(cast(Supervised, pl_module), board)

    def end(self, trainer: Trainer, status: str, metrics: Mapping[str, float]) -> None:
        """Tell the final metrics, and how the run ended."""
        if not self.open:
            return
        self.open = False
        for tracker in trackers(trainer):
            tracker.end(status, metrics)
        for written in self.pages:
            write_end(written, status, metrics, trainer.global_step)


def watch_first_input(task: Supervised, board: TensorBoardLogger) -> None:
    """Draw what the scaled model receives in the next forward pass, once."""
    net = cast(Any, task.model).model

    def draw(module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
        hook.remove()
        x = inputs[0].detach()
        if x.ndim == 4 and x.shape[1] in (1, 3):
            board.experiment.add_image("input", grid(x[:64]), task.global_step)

    hook = net.register_forward_pre_hook(draw)


def grid(images: Tensor, columns: int = 8) -> Tensor:
    """Return `(B, channels, H, W)` side by side, `(channels, H', W')`, stretched to [0, 1]."""
    low, high = images.amin(), images.amax()
    images = (images - low) / (high - low).clamp(min=1e-8)
    missing = -len(images) % columns
    images = torch.nn.functional.pad(images, (1, 1, 1, 1, 0, 0, 0, missing))
    rows = images.unflatten(0, (-1, columns))  # (rows, columns, channels, H, W)
    return rows.permute(2, 0, 3, 1, 4).flatten(1, 2).flatten(2, 3).cpu()


def boards(trainer: Trainer) -> list[TensorBoardLogger]:
    """Return the TensorBoard loggers of this run, on the process that writes."""
    if not trainer.is_global_zero:
        return []
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]


def trackers(trainer: Trainer) -> list[Tracker]:
    """Return the loggers of this run that write to somebody else's store."""
    return [logger for logger in trainer.loggers if isinstance(logger, Tracker)]


def page(folder: str) -> SummaryWriter:
    """Return a file for the tab HPARAMS in place of that of an earlier part of the run.

    TensorBoard shows the first settings and the first status that it finds in a folder.
    """
    for old in Path(folder).glob(f"*{PAGE}"):
        old.unlink()
    return SummaryWriter(folder, filename_suffix=PAGE)


def write_settings(board: SummaryWriter, settings: Mapping[str, Any]) -> None:
    """Write the settings for the tab HPARAMS, which compares the runs below its folder.

    torch's `add_hparams` also lists the columns, and TensorBoard takes those of one run for all:
    of an optimizer that only another run has, nothing would be shown.
    """
    start = content.SessionStartInfo(start_time_secs=time.time())
    for name, value in settings.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, int | float):
            start.hparams[name].number_value = value
        else:
            start.hparams[name].string_value = value
    tell(board, metadata.SESSION_START_INFO_TAG, session_start_info=start)


def write_end(board: SummaryWriter, status: str, metrics: Mapping[str, float], step: int) -> None:
    """Write the final metrics as `final/<name>`, and how the run ended."""
    for name, value in metrics.items():
        board.add_scalar(f"final/{name}", value, step)
    ended = api.STATUS_SUCCESS if status == OK else api.STATUS_FAILURE
    end = content.SessionEndInfo(status=ended, end_time_secs=time.time())
    tell(board, metadata.SESSION_END_INFO_TAG, session_end_info=end)
    board.close()


def tell(board: SummaryWriter, tag: str, **info: Any) -> None:
    """Write a message of TensorBoard's tab HPARAMS."""
    about = metadata.create_summary_metadata(content.HParamsPluginData(**info))
    value = summary.Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)
    board._get_file_writer().add_summary(summary.Summary(value=[value]))


def settings_of(config: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """Return by dotted key what was set that numbers may depend on."""
    return dict(flat({key: value for key, value in config.items() if key not in WIRING}))


def flat(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, bool | int | float | str]]:
    """Yield `(dotted key, scalar)` for everything that is set."""
    for key, value in tree.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        elif key == "_target_":
            yield path.rstrip("."), str(value).rpartition(".")[2]
        elif value is not None:
            yield name, value if isinstance(value, bool | int | float | str) else str(value)
