"""Early stopping.

Formula: stop after patience validations in a row with m ≥ m_best - min_delta (less is better)

Source: Prechelt 1998, "Early Stopping - But When?", section 2,
https://doi.org/10.1007/3-540-49430-8_3.

Lightning's, which takes any arguments, checks at different moments depending on the trainer, and
puts the saved patience in the place of the one that is asked for.
"""

from typing import Any, Literal

from lightning import LightningModule, Trainer
from lightning.pytorch import callbacks
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason


class EarlyStopping(callbacks.EarlyStopping):
    """Stops when the monitor has not improved for `patience` validations; keeps the best weights.

    What is tested afterwards is the best checkpoint, not the last weights.  A monitor that is not
    finite stops the training at once.

    Args:
        monitor: metric to look at; that of the run unless it is set.
        mode: `min` if less of it is better, else `max`.
        patience: validations without improvement, >= 0; 0 is the same as 1.
        min_delta: how much better it must be to count, in units of the metric, >= 0.
        strict: whether a training too short for a validation is an error.
        options: what else Lightning's takes.

    Raises:
        ValueError: an argument lies outside its range.
    """

    def __init__(
        self,
        monitor: str,
        mode: Literal["min", "max"] = "min",
        patience: int = 10,
        min_delta: float = 0.0,
        strict: bool = False,
        **options: Any,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        if not patience >= 0:
            raise ValueError(f"patience must be at least 0 validations, got {patience}")
        if not 0 <= min_delta < float("inf"):
            raise ValueError(f"min_delta must be at least 0, got {min_delta}")
        after_validation = {"check_on_train_epoch_end": False}
        super().__init__(
            monitor,
            mode=mode,
            patience=patience,
            min_delta=min_delta,
            strict=strict,
            **after_validation | options,
        )
        self.length: list[int | None] | None = None  # epochs and steps, at most, when it stopped

    def state_dict(self) -> dict[str, Any]:
        """Return what was counted, and how long the training was to be."""
        return super().state_dict() | {"length": self.length}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting, to the patience that is asked for now."""
        super().load_state_dict(state_dict | {"patience": self.patience})
        self.length = state_dict.get("length")

    @property
    def stopped(self) -> bool:
        """Whether it has stopped the training."""
        return self.stopping_reason != EarlyStoppingReason.NOT_STOPPED

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stay stopped when a training goes on; one that is made longer gets its patience anew."""
        length = [trainer.max_epochs, trainer.max_steps]
        if self.stopped and length != self.length:
            self.stopping_reason, self.wait_count = EarlyStoppingReason.NOT_STOPPED, 0
        self.length = length
        epoch: Any = trainer.fit_loop.epoch_progress.current
        if epoch.ready == epoch.processed:  # else it has to come to its end
            self._stay(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stay stopped where the last epoch had to come to its end first."""
        super().on_train_epoch_end(trainer, pl_module)
        self._stay(trainer)

    def _stay(self, trainer: Trainer) -> None:
        trainer.should_stop = trainer.should_stop or self.stopped
