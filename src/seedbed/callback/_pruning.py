"""Gives a trial up where others of its search were better at the same epoch."""

import math
from collections.abc import Callable

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.trainer.states import TrainerFn

from seedbed.types import Pruned


class Pruning(Callback):
    """Asks after every validation; all processes end together.

    Args:
        metric: that is compared, as it is logged.
        behind: takes epochs done and the metric's value, returns whether to give up.
        was_behind: whether a run that goes on was to be given up when it was interrupted.
    """

    def __init__(
        self,
        metric: str,
        behind: Callable[[int, float], bool],
        was_behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self.metric, self.behind, self.was_behind = metric, behind, was_behind

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give up a trial that goes on, where it was to be given up before.

        Raises:
            Pruned: on every process.
        """
        if trainer.global_step and trainer.strategy.broadcast(
            trainer.is_global_zero and self.was_behind()
        ):
            raise Pruned(self.why(trainer.current_epoch))

    def why(self, epochs: int) -> str:
        """Return why a trial is given up, in one line."""
        return f"{self.metric} was behind that of other trials after epoch {epochs}"

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare, and give up where that is the word of the first process.

        Raises:
            Pruned: on every process.
        """
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        value, epoch = trainer.callback_metrics.get(self.metric), trainer.current_epoch
        over = False
        if trainer.is_global_zero and value is not None and math.isfinite(number := float(value)):
            over = self.behind(epoch, number)
        if trainer.strategy.broadcast(over):
            raise Pruned(self.why(epoch + 1))
