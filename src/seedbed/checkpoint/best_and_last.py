"""The best weights by the monitor, and the last state to go on from, in files of their own."""

import math
import sys
from pathlib import Path
from typing import Any, Literal

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from seedbed.checkpoint._file import local, verify
from seedbed.checkpoint._place import settle
from seedbed.checkpoint._sound import poison
from seedbed.checkpoint._together import also, first_alone, save
from seedbed.types import ORACLE, Diverged

Place = tuple[float, str]  # value of the monitor, file name


class BestAndLast(Checkpoint):
    """Writes `best.ckpt` when a validation improves and `last.ckpt` after every epoch.

    With `top_k` above 1 the best k validations are kept as `epoch-<n>_step-<m>.ckpt`, and
    `best.ckpt` is another name of the first of them.  What falls out of the k is deleted.

    Weights that are not finite end the training as diverged and are never written.

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
            known = trainer.callback_metrics.items()
            measured = {k: v.item() for k, v in known if k.startswith(("val/", f"{ORACLE}/"))}
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
        write(trainer, self.file(place))
        if self.top_k == 1:
            return

        def tidy() -> None:
            if rank == 0:
                also(self.file(place), self.best)
            for each in lost:
                self.file(each).unlink(missing_ok=True)

        first_alone(trainer, tidy)

    def file(self, place: Place) -> Path:
        """Return where a kept checkpoint lies."""
        return self.best.with_name(place[1])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Delete what an interrupted training kept beyond the state that is gone on from.

        A best that is lost or damaged by now is forgotten, so that another one can follow.
        """
        self.saved = trainer.global_step

        def look() -> None:
            for path in self.best.parent.glob("epoch-*_step-*.ckpt"):
                if path.name not in {name for _, name in self.kept}:
                    path.unlink()
            self.forget_damaged()

        before = len(self.kept)
        first_alone(trainer, look)
        self.kept = trainer.strategy.broadcast(self.kept)
        if len(self.kept) < before:
            self.best_metrics = {}

    def forget_damaged(self) -> None:
        """Let the best that can still be read be the best."""
        while self.kept:
            try:
                verify(local(self.file(self.kept[0])))
                break
            except (OSError, ValueError) as error:
                sys.stderr.write(f"{error}; the next best takes its place\n")
                self.kept = self.kept[1:]
        else:
            return
        if self.top_k > 1:
            also(self.file(self.kept[0]), self.best)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the last weights for the best where no validation could tell."""
        if not self.validated and self.best_value is None and trainer.global_step > 0:
            write(trainer, self.best)
            self.write_last(trainer)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Write the last within an epoch, where an update is complete and the next not begun."""
        due = self.every_n_steps and trainer.global_step - self.saved >= self.every_n_steps
        if due and batch_idx % trainer.accumulate_grad_batches == 0:
            self.write_last(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the last."""
        self.write_last(trainer)

    def write_last(self, trainer: Trainer) -> None:
        """Write the state to go on from; every process calls this at the same point.

        Raises:
            Unwritable: the disk is full; on every process.
            Diverged: the weights are not finite; on every process.
        """
        self.saved = trainer.global_step
        write(trainer, self.last)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Say where training stands; refuse to write over good weights what is not finite.

        Raises:
            Diverged: a weight, or what the optimizer remembers, is not finite.
        """
        learned = {name for name, _ in pl_module.named_parameters(remove_duplicate=False)}
        why = poison(checkpoint, learned)
        if not trainer.strategy.reduce_boolean_decision(why is None, all=True):
            raise Diverged(
                f"the weights became non-finite by step {trainer.global_step} "
                f"({why or 'on another process'}); no checkpoint holds them"
            )
        settle(checkpoint["loops"]["fit_loop"])

    def state_dict(self) -> dict[str, Any]:
        """Return what was best."""
        return {"kept": [list(place) for place in self.kept], "best_metrics": self.best_metrics}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what was best."""
        self.kept = [(value, name) for value, name in state_dict["kept"]]
        self.best_metrics = state_dict["best_metrics"]


def write(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint, and before it every number that was logged up to it."""
    for logger in trainer.loggers:
        logger.save()
    save(trainer, path)
