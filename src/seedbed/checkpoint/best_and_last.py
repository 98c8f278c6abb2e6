"""The best weights by the monitor, and the last state to go on from, in files of their own."""

import math
import shutil
from pathlib import Path
from typing import Any, Literal

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from seedbed.checkpoint._place import settle

Place = tuple[float, str]  # value of the monitor, file name


class BestAndLast(Checkpoint):
    """Writes `best.ckpt` when a validation improves and `last.ckpt` after every epoch.

    With `top_k` above 1 the best k validations are kept as `epoch-<n>_step-<m>.ckpt`, and
    `best.ckpt` is another name of the first of them.  What falls out of the k is deleted.

    Lightning's own would write the last only when the best improves.

    Args:
        folder: where the files go.
        monitor: metric that decides what is best.
        mode: `min` if less of it is better, else `max`.
        top_k: how many of the best to keep, >= 1.
        every_n_steps: updates after which `last.ckpt` is also written within an epoch, >= 1; what
            is lost when the power fails.  None: only after every epoch.

    Raises:
        ValueError: `mode` is neither, or `top_k` or `every_n_steps` is below 1.
    """

    def __init__(
        self,
        folder: str,
        monitor: str,
        mode: Literal["min", "max"] = "min",
        top_k: int = 1,
        every_n_steps: int | None = None,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        if top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {top_k}")
        if every_n_steps is not None and every_n_steps < 1:
            raise ValueError(f"every_n_steps must be at least 1, got {every_n_steps}")
        self.best, self.last = Path(folder, "best.ckpt"), Path(folder, "last.ckpt")
        self.monitor, self.mode, self.top_k = monitor, mode, top_k
        self.every_n_steps = every_n_steps
        self.kept: list[Place] = []  # the best first
        self.validated = False  # in this process
        self.saved = 0  # the update after which the last was written last
        self.best_metrics: dict[str, float] = {}  # of the validation that was best

    @property
    def best_value(self) -> float | None:
        """The monitor's best value, None before there is one."""
        return self.kept[0][0] if self.kept else None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the best; after every other callback has put its own weights back."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        self.validated = True
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(k for k in trainer.callback_metrics if "/" in k))
            raise ValueError(f"monitor.name={self.monitor}: no such metric; there is {known}")
        value = trainer.callback_metrics[self.monitor].item()
        rank = self.rank(value)
        if rank == 0:
            measured = {
                k: v.item() for k, v in trainer.callback_metrics.items() if k.startswith("val/")
            }
            self.best_metrics = measured | {"best/epoch": trainer.current_epoch + 1}
        if rank < self.top_k:
            name = f"epoch-{trainer.current_epoch + 1:04}_step-{trainer.global_step:07}.ckpt"
            self.keep(trainer, rank, (value, name if self.top_k > 1 else self.best.name))

    def rank(self, value: float) -> float:
        """Return how many of those that are kept are at least as good; NaN is never kept."""
        if math.isnan(value):
            return math.inf
        sign = 1 if self.mode == "min" else -1
        return sum(sign * other <= sign * value for other, _ in self.kept)

    def keep(self, trainer: Trainer, rank: float, place: Place) -> None:
        """Save at this rank and delete what falls out; each file is whole at every moment."""
        self.kept.insert(int(rank), place)
        lost, self.kept = self.kept[self.top_k :], self.kept[: self.top_k]
        save(trainer, self.best.with_name(place[1]))
        if self.top_k == 1 or not trainer.is_global_zero:
            return
        if rank == 0:
            also(self.best.with_name(place[1]), self.best)
        for _, name in lost:
            self.best.with_name(name).unlink(missing_ok=True)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Delete what an interrupted training kept beyond the state that is gone on from."""
        self.saved = trainer.global_step
        if trainer.is_global_zero:
            names = {name for _, name in self.kept}
            for path in self.best.parent.glob("epoch-*_step-*.ckpt"):
                if path.name not in names:
                    path.unlink()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the last weights for the best where no validation could tell."""
        if not self.validated and self.best_value is None and trainer.global_step > 0:
            save(trainer, self.best)
            self.save_last(trainer)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Write the last within an epoch, where an update is complete and the next not begun."""
        complete = batch_idx % trainer.accumulate_grad_batches == 0
        if (
            complete
            and self.every_n_steps
            and trainer.global_step - self.saved >= self.every_n_steps
        ):
            self.save_last(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the last."""
        self.save_last(trainer)

    def save_last(self, trainer: Trainer) -> None:
        """Write the state to go on from; every process must call this."""
        self.saved = trainer.global_step
        save(trainer, self.last)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Say where training stands so that it goes on from exactly there."""
        settle(checkpoint["loops"]["fit_loop"])

    def state_dict(self) -> dict[str, Any]:
        """Return what was best."""
        return {"kept": [list(place) for place in self.kept], "best_metrics": self.best_metrics}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what was best."""
        self.kept = [(value, name) for value, name in state_dict["kept"]]
        self.best_metrics = state_dict["best_metrics"]


def save(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint, and before it every number that was logged up to it."""
    for logger in trainer.loggers:
        logger.save()
    trainer.save_checkpoint(path)


def also(file: Path, name: Path) -> None:
    """Give a file a second name, at once: a link where the file system has them, else a copy."""
    part = name.with_name(f"{name.name}.part")
    part.unlink(missing_ok=True)
    try:
        part.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, part)
    part.replace(name)
    part.unlink(missing_ok=True)  # what is the same file already is not moved
