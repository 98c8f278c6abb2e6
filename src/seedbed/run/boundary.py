"""Between two updates: where a training may stop, and where it goes on."""

import sys
from typing import Any, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, distributed

from seedbed.checkpoint.best_and_last import BestAndLast
from seedbed.run.stop import WISH, Interrupted


class Boundary(Callback):
    """Ends a training that a signal has asked to end, on all processes at the same update.

    Also puts the batches of an epoch that goes on where they were left.
    """

    def __init__(self) -> None:
        self.agreement = Agreement()
        self.goes_on = False  # an epoch was begun before

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave out the batches of this epoch that a checkpoint has seen."""
        fit: Any = trainer.fit_loop
        if fit.epoch_progress.current.ready == fit.epoch_progress.current.processed:
            fit.epoch_loop.restarting = False  # a new epoch: nothing of it is to be taken up
            fit.epoch_loop.reset_restart_stage()
        else:
            self.goes_on = True
            seen = fit.epoch_loop.batch_progress.current.completed
            sampler = getattr(trainer.train_dataloader, "sampler", None)
            if hasattr(sampler, "go_on"):
                cast(Any, sampler).go_on(trainer.current_epoch, seen)
            elif seen and trainer.is_global_zero:
                sys.stderr.write(
                    f"data: {type(sampler).__name__} cannot go on within an epoch; its first "
                    f"{seen} batches are trained on again\n"
                )

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save and end where an update is complete and the next not yet begun."""
        if self.goes_on:
            self.goes_on = False
            loop: Any = trainer.fit_loop.epoch_loop
            loop._batches_that_stepped = trainer.global_step  # else counted twice at a validation
        if batch_idx % trainer.accumulate_grad_batches:
            return
        if number := self.agreement.most(trainer, WISH.asked):
            if isinstance(kept := trainer.checkpoint_callback, BestAndLast):
                kept.write_last(trainer)
            raise Interrupted(number)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End all processes if one was asked to after the last update; all is saved."""
        if number := self.agreement.settled(trainer, WISH.asked):
            raise Interrupted(number)


class Agreement:
    """The largest of a number over all processes, once an update.

    On a GPU the answer of one call comes with the next: then it has long arrived, and nobody waits.
    """

    def __init__(self) -> None:
        self.pending: tuple[Tensor, torch.cuda.Event] | None = None

    def most(self, trainer: Trainer, number: int) -> int:
        """Return the largest number that is known; every process must call this alike."""
        if trainer.world_size == 1:
            return number
        device = trainer.strategy.root_device
        if device.type != "cuda":
            return self.settled(trainer, number)
        known = self._arrived()
        copy = reduced(number, device).to("cpu", non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(device))
        self.pending = copy, done
        return known

    def settled(self, trainer: Trainer, number: int) -> int:
        """Return the largest number of all processes, waiting for it."""
        if trainer.world_size == 1:
            return number
        return max(self._arrived(), int(reduced(number, trainer.strategy.root_device)))

    def _arrived(self) -> int:
        if self.pending is None:
            return 0
        copy, done = self.pending
        self.pending = None
        done.synchronize()
        return int(copy)


def reduced(number: int, device: torch.device) -> Tensor:
    """Return the largest `number` of all processes, `()`."""
    flag = torch.full((), number, device=device)  # a fill: copying it there would wait
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return flag
