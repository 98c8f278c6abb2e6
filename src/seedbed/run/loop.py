"""Lightning's training loop without the calls that do nothing.

In every step Lightning asks each callback at six hooks, opens a profiler around every call, moves
the batch to where it is and reads the results that nobody logged: .9 ms of a step whose mathematics
take 1.8 (MLP, batches of 64).  Here only what is overridden is called; order, arguments, counters
and checkpoints stay Lightning's, and what this loop does not know goes the old way.
"""

from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loops.evaluation_loop import _EvaluationLoop
from lightning.pytorch.loops.optimization.automatic import ClosureResult
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.loops.utilities import _block_parallel_sync_behavior
from lightning.pytorch.plugins.precision import MixedPrecision, Precision
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from lightning.pytorch.trainer.states import RunningStage, TrainerFn
from lightning.pytorch.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor

from seedbed.optimizer._quick import Quick
from seedbed.types import Batch

EACH_STEP = (  # of a training, and of a validation within it
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
    "on_validation_batch_start",
    "on_validation_batch_end",
)
MOVING = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
LEFT = (
    "on_train_batch_start",
    "backward",
    "configure_gradient_clipping",
)  # of a task: to Lightning
Call = Callable[..., Any]


class Lean(_TrainingEpochLoop):
    """Runs the batches of an epoch.

    Args:
        trainer: whose loop it takes the place of.
    """

    @classmethod
    def take_place(cls, trainer: Trainer) -> None:
        """Let a trainer that has not begun run its epochs so."""
        known = trainer.fit_loop.epoch_loop
        own = cls(trainer, known.min_steps, known.max_steps)
        own.val_loop = LeanValidation.of(trainer)
        trainer.fit_loop.epoch_loop = own

    def on_run_start(self, data_fetcher: Any) -> None:
        """Begin an epoch: what is overridden is found anew, since callbacks come and go."""
        super().on_run_start(data_fetcher)
        self.knows = understood(self.trainer)
        task: Any = self.trainer.lightning_module
        self.task, self.optimizer = task, self.trainer.optimizers[0] if self.knows else None
        self.quick = Quick(self.optimizer) if self.optimizer is not None else None
        who = self.trainer._data_connector._datahook_selector
        assert who is not None
        self.stays = not any(overrides(task, name, LightningModule) for name in MOVING) and all(
            who.get_instance(name) is task for name in MOVING
        )  # a batch that lies where it is used
        self.only_last = self.knows and validates_last(self.trainer)
        self.bare = bare(self.trainer)
        self.step = task.training_step if self.bare else self.trainer.strategy.training_step
        callbacks: list[Any] = self.trainer.callbacks  # pyright: ignore[reportAttributeAccessIssue]
        self.calls: dict[str, list[Call]] = {
            name: [getattr(each, name) for each in callbacks if overrides(each, name, Callback)]
            for name in EACH_STEP
        }
        self.own: dict[str, Call | None] = {
            name: getattr(task, name) if overrides(task, name, LightningModule) else None
            for name in EACH_STEP
        }

    def tell(self, hook: str, *given: Any) -> None:
        """Call a hook of all callbacks and then of the task."""
        vars(self.task)["_current_fx_name"] = hook  # whoever logs is asked from where
        for call in self.calls[hook]:
            call(self.trainer, self.task, *given)
        if (own := self.own[hook]) is not None:
            own(*given)

    def advance(self, data_fetcher: Any) -> None:
        """Run one batch, and the update after it where that is due."""
        if self.restarting or not self.knows:
            super().advance(data_fetcher)
            return
        if self.val_loop.restarting:
            self.val_loop.restarting = False
        batch, _, _ = next(data_fetcher)
        index = self.batch_idx + 1
        progress, connector = self.batch_progress, self.trainer._logger_connector
        progress.is_last_batch = data_fetcher.done
        batch = self.here(batch)
        progress.increment_ready()
        connector._first_loop_iter = connector._first_loop_iter is None
        self._results.batch, self._results.batch_size = batch, None
        self._results.dataloader_idx = None
        self.tell("on_train_batch_start", batch, index)
        progress.increment_started()
        outputs = self.learn(batch, index)
        progress.increment_processed()
        if self.trainer.lr_scheduler_configs:
            self.update_lr_schedulers("step", update_plateau_schedulers=False)
            if self._num_ready_batches_reached():
                self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
        self.tell("on_train_batch_end", outputs, batch, index)
        vars(self.task)["_current_fx_name"] = None
        if any(each.meta.on_step for each in self._results.values()):
            connector.on_batch_end()
            progress.increment_completed()
            connector.update_train_step_metrics()
        else:
            self._results.batch = self._results.batch_size = None
            progress.increment_completed()

    def on_advance_end(self, data_fetcher: Any) -> None:
        """Validate where that is due; what happens only then is not asked for otherwise."""
        if self.batch_progress.is_last_batch or not self.only_last or self.trainer.should_stop:
            super().on_advance_end(data_fetcher)
        elif not self._should_accumulate():
            self._batches_that_stepped += 1

    def here(self, batch: Any, loader: int = 0) -> Any:
        """Return a batch on the device that trains."""
        strategy = self.trainer.strategy
        if self.stays and type(batch) is Batch and batch.x.device == strategy.root_device:
            return batch  # `y` and `domain` come from the same loader
        batch = self.task._on_before_batch_transfer(batch, dataloader_idx=loader)
        return strategy.batch_to_device(batch, dataloader_idx=loader)

    def learn(self, batch: Any, index: int) -> dict[str, Any]:
        """Compute the gradient of a batch, and update the weights where that is due."""
        outputs: dict[str, Any] = {}

        def closure() -> Tensor | None:
            with torch.enable_grad():
                outputs.update(self.gradient(batch, index))
            return outputs.get("loss")

        def and_tell() -> Tensor | None:
            loss = closure()
            self.tell("on_before_optimizer_step", self.optimizer)
            return loss

        if self._should_accumulate():
            with _block_parallel_sync_behavior(self.trainer.strategy, block=True):
                closure()
        else:
            updates = self.automatic_optimization.optim_progress.optimizer.step
            updates.increment_ready()
            vars(self.task)["_current_fx_name"] = "optimizer_step"
            self.task.optimizer_step(self.trainer.current_epoch, index, self.quick, and_tell)
            updates.increment_completed()
        return outputs

    def gradient(self, batch: Any, index: int) -> dict[str, Any]:
        """Add the gradient of a batch to that of its update, and return what the task did."""
        task, strategy = self.task, self.trainer.strategy
        vars(task)["_current_fx_name"] = "training_step"
        loss, outputs = self.result(self.step(batch, index))
        if index % self.trainer.accumulate_grad_batches == 0:
            zero = self.automatic_optimization.optim_progress.optimizer.zero_grad
            zero.increment_ready()
            self.tell("on_before_zero_grad", self.optimizer)
            zero.increment_started()
            task.optimizer_zero_grad(self.trainer.current_epoch, index, self.optimizer)
            zero.increment_completed()
        if loss is not None:
            strategy.pre_backward(loss)
            self.tell("on_before_backward", loss)
            loss.backward()
            self.tell("on_after_backward")
            strategy.post_backward(loss)
        return outputs

    def result(self, output: Any) -> tuple[Tensor | None, dict[str, Any]]:
        """Return the loss of a micro-batch, and what the hooks are told of the step."""
        accumulated = self.trainer.accumulate_grad_batches
        if type(output) is Tensor and accumulated == 1:
            return output, {"loss": output.detach()}
        found = ClosureResult.from_training_step_output(output, accumulated)
        return found.closure_loss, found.asdict() if found.loss is not None else {}

    def _broadcast_sigterm_tensor(self) -> None:
        """Do nothing: Lightning's waits for the device in every step; see `Boundary`."""


class LeanValidation(_EvaluationLoop):
    """Runs the batches of a validation within a training; the loop around it knows the hooks."""

    @classmethod
    def of(cls, trainer: Trainer) -> "LeanValidation":
        """Return the one of a trainer."""
        within = TrainerFn.FITTING, RunningStage.VALIDATING
        return cls(trainer, *within, verbose=False, inference_mode=False)

    def on_run_start(self) -> None:
        """Begin a validation."""
        super().on_run_start()
        training: Any = self.trainer.fit_loop.epoch_loop  # has not begun in a sanity check
        self.knows = (
            not self.trainer.sanity_checking
            and training.knows
            and training.bare
            and is_param_in_hook_signature(training.task.validation_step, "batch_idx", min_args=2)
        )

    def _evaluation_step(
        self, batch: Any, batch_idx: int, dataloader_idx: int, dataloader_iter: Any
    ) -> None:
        """Measure one batch."""
        if not self.knows:
            super()._evaluation_step(batch, batch_idx, dataloader_idx, dataloader_iter)
            return
        training: Any = self.trainer.fit_loop.epoch_loop
        task, progress = training.task, self.batch_progress
        connector = self.trainer._logger_connector
        several = self._is_sequential and self.num_dataloaders > 1
        given = (batch_idx, dataloader_idx) if several else (batch_idx,)
        batch = training.here(batch, dataloader_idx)
        progress.increment_ready()
        connector.on_batch_start(batch, dataloader_idx if several else None)
        training.tell("on_validation_batch_start", batch, *given)
        progress.increment_started()
        vars(task)["_current_fx_name"] = "validation_step"
        output = task.validation_step(batch, *given)
        progress.increment_processed()
        training.tell("on_validation_batch_end", output, batch, *given)
        vars(task)["_current_fx_name"] = None
        connector.on_batch_end()
        progress.increment_completed()
        self._has_run = True
        connector.update_eval_step_metrics(self._seen_batches_per_dataloader[dataloader_idx])
        self._seen_batches_per_dataloader[dataloader_idx] += 1


def overrides(thing: Any, name: str, base: type) -> bool:
    """Return whether a hook is another than that of `base`, which does nothing."""
    return getattr(getattr(thing, name), "__func__", None) is not getattr(base, name)


def understood(trainer: Any) -> bool:
    """Return whether nothing is to happen in a step but what this loop does."""
    task, plugin = trainer.lightning_module, trainer.precision_plugin
    plain = type(plugin) is Precision or (
        isinstance(plugin, MixedPrecision) and plugin.scaler is None
    )
    strategy = trainer.strategy
    return (
        plain
        and type(strategy) in (SingleDeviceStrategy, DDPStrategy)
        and getattr(strategy, "_model_averager", None) is None
        and task.automatic_optimization
        and len(trainer.optimizers) == 1
        and isinstance(trainer.profiler, PassThroughProfiler)
        and not trainer.gradient_clip_val
        and not any(overrides(task, name, LightningModule) for name in LEFT)
    )


def bare(trainer: Any) -> bool:
    """Return whether the strategy only hands a step on to the task."""
    strategy = trainer.strategy
    alone = type(strategy) is SingleDeviceStrategy and strategy.model is trainer.lightning_module
    return alone and type(trainer.precision_plugin) is Precision


def validates_last(trainer: Any) -> bool:
    """Return whether nothing follows a batch but the last of its epoch, early stopping aside."""
    return (
        trainer.check_val_every_n_epoch is not None
        and trainer._val_check_time_interval is None
        and trainer.val_check_batch == trainer.num_training_batches
        and not trainer.lr_scheduler_configs
    )
