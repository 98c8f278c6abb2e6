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
    """

    def __init__(self, metric: str, behind: Callable[[int, float], bool]) -> None:
        self.metric, self.behind = metric, behind

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
            raise Pruned(f"{self.metric} was behind that of other trials after epoch {epoch + 1}")
