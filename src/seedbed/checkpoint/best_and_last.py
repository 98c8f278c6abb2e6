"""The best weights by the monitor, and the last state to go on from, in a file each."""

import math
from pathlib import Path
from typing import Any, Literal

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint


class BestAndLast(Checkpoint):
    """Writes `best.ckpt` when a validation improves and `last.ckpt` after every epoch.

    Lightning's own would write the last only when the best improves.

    Args:
        folder: where the two files go.
        monitor: metric that decides what is best.
        mode: `min` if less of it is better, else `max`.

    Raises:
        ValueError: `mode` is neither.
    """

    def __init__(self, folder: str, monitor: str, mode: Literal["min", "max"] = "min") -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        self.best, self.last = Path(folder, "best.ckpt"), Path(folder, "last.ckpt")
        self.monitor, self.mode = monitor, mode
        self.best_value: float | None = None
        self.validated = False  # in this process
        self.best_metrics: dict[str, float] = {}  # of the validation that was best

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the best; after every other callback has put its own weights back."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        self.validated = True
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(k for k in trainer.callback_metrics if "/" in k))
            raise ValueError(f"monitor.name={self.monitor}: no such metric; there is {known}")
        value = trainer.callback_metrics[self.monitor].item()
        if self.improves(value):
            self.best_value = value
            measured = {
                k: v.item() for k, v in trainer.callback_metrics.items() if k.startswith("val/")
            }
            self.best_metrics = measured | {"best/epoch": trainer.current_epoch + 1}
            trainer.save_checkpoint(self.best)

    def improves(self, value: float) -> bool:
        """Return whether `value` is better than every one before; NaN never is."""
        if self.best_value is None:
            return not math.isnan(value)
        return value < self.best_value if self.mode == "min" else value > self.best_value

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the last weights for the best where no validation could tell."""
        if not self.validated and self.best_value is None and trainer.global_step > 0:
            trainer.save_checkpoint(self.best)
            trainer.save_checkpoint(self.last)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the last."""
        trainer.save_checkpoint(self.last)

    def state_dict(self) -> dict[str, Any]:
        """Return what was best."""
        return {"best_value": self.best_value, "best_metrics": self.best_metrics}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what was best."""
        self.best_value = state_dict["best_value"]
        self.best_metrics = state_dict["best_metrics"]
