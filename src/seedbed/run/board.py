"""What TensorBoard shows beside the curves: the inputs, the model, the hyper-parameters."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.model_summary.model_summary import ModelSummary
from torch import Tensor

from seedbed.task.supervised import Supervised


class Board(Callback):
    """Draws the first training batch as the net sees it, and writes the model's summary."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the summary as text and watch the net's first input."""
        for board in boards(trainer):
            text = str(ModelSummary(pl_module, max_depth=3))
            board.experiment.add_text("model", f"```\n{text}\n```", trainer.global_step)
            watch_first_input(cast(Supervised, pl_module), board)


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


def write_hparams(
    trainer: Trainer, config: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    """Write the options and settings of the run beside its final metrics."""
    for board in boards(trainer):
        board.log_hyperparams(dict(flat(config)), dict(metrics))
        board.save()


def flat(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield `(dotted key, scalar)` for everything that a table of runs can compare."""
    for key, value in tree.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        elif key == "_target_":
            yield path.rstrip("."), str(value).rpartition(".")[2]
        elif name not in ("out", "run"):
            yield name, value if isinstance(value, bool | int | float | str) else str(value)
