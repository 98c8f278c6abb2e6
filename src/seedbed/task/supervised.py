"""Learn targets from inputs: the task that every other task refines."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import torch
from lightning import LightningModule, Trainer
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from seedbed.features import head_of, watched
from seedbed.length import length
from seedbed.randomness import seed_here
from seedbed.task._logs import Logs
from seedbed.task._rates import factors, multiplied, renewed, set_rates
from seedbed.task._share import share
from seedbed.task._watch import Watch
from seedbed.types import (
    Augment,
    Batch,
    Clock,
    Diverged,
    Observing,
    OptimizerFactory,
    ParamGroups,
    Regroup,
    Regularizer,
    Schedule,
    Spec,
    Step,
    Unfit,
    Weighing,
)


class Supervised(LightningModule):
    """A model, its loss, and how they are optimised.

    The way of a batch: augment → every regularizer's `on_batch` → `forward_step` → every
    regularizer's `penalty` → backward → clip → optimizer → every regularizer's `after_step`.
    A new way of learning overrides `forward_step`, and little else.

    `train/loss` is the data term alone, `train/<name>` each penalty.

    Args:
        model: maps raw inputs `(B, *spec.shape)` to logits `(B, K)`.
        loss: maps logits and targets to `()`, the mean over the batch.
        spec: what the data knows.
        optimizer: called with the parameter groups.
        param_groups: called with the model; None puts all in one group.
        scheduler: factor on the learning rate of every group, evaluated before every update.
        regularizers: by name; in the training loss only.
        augments: applied in this order to the inputs of training batches.
        target_scaling: values `(B, K)` to the range in which `loss` is measured; metrics and
            predictions stay in the units of the data.
        objective: what training minimises in place of the data term, `Step -> ()`.
        seed: of everything random in a training step.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        spec: Spec,
        optimizer: OptimizerFactory,
        param_groups: ParamGroups | None = None,
        scheduler: Schedule | None = None,
        regularizers: Mapping[str, Regularizer] | None = None,
        augments: Sequence[Augment] = (),
        target_scaling: Callable[[Tensor], Tensor] | None = None,
        objective: Callable[[Step], Tensor] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.loss, self.spec = model, loss, spec
        self.regularizers = nn.ModuleDict(dict(regularizers or {}))
        self.augments = list(augments)
        self.logs = Logs(spec)
        self.seed, self._objective = seed, objective
        self._weighing = loss if isinstance(loss, Weighing) else None  # asking costs 50 µs
        self._optimizer, self._param_groups = optimizer, param_groups
        self._scheduler, self._target_scaling = scheduler, target_scaling
        self._watch = Watch()
        self._used: list[tuple[str, float]] = []  # the rates of the latest update
        self.measured: dict[str, float] = {}  # before the checkpoint that training goes on from
        self._so_far: list[dict[str, Any]] = []  # of an unfinished epoch, by rank
        self._factors: list[Callable[[int], float]] = []
        self._start = Clock(0, math.inf, 1)
        self._updates = math.inf  # of the whole training
        self.regroup: Regroup | None = None  # what a callback makes of the parameter groups
        self._needs_features = any(r.needs_features for _, r in self._named_regularizers())
        if self._needs_features:
            head_of(model)
        for name, regularizer in self._named_regularizers():
            try:
                regularizer.prepare(model, spec)
            except ValueError as error:
                raise ValueError(f"regularizer.{name}: {error}") from error

    # -- what learning means ---------------------------------------------------------------

    @classmethod
    def asks(cls, spec: Spec, **arguments: Any) -> Spec:
        """Return the spec with what the model is to emit, where that is not up to data and loss.

        Args:
            spec: what the data knows.
            arguments: of this task, as the config has them.

        Raises:
            ValueError: the data lacks what the task needs.
        """
        return spec

    def forward(self, x: Tensor) -> Tensor:
        """Map raw inputs `(B, ...)` to logits `(B, K)`."""
        return self.model(x)

    def forward_step(self, batch: Batch) -> Step:
        """Run the model and compute the data term of the loss."""
        if not self.regularizers:
            logits = self.model(batch.x)
            return Step(self.model, batch, logits, self.data_term(logits, batch.y))
        with ExitStack() as around:
            for _, regularizer in self._named_regularizers():
                around.enter_context(regularizer.during(batch))
            watches = self.training and self._needs_features
            seen = around.enter_context(watched(self.model)) if watches else []
            logits = self.model(batch.x)
        loss = self.data_term(logits, batch.y)
        if not watches:
            return Step(self.model, batch, logits, loss)
        progress = min(1.0, self.global_step / self._updates)
        return Step(self.model, batch, logits, loss, features=seen[0], progress=progress)

    def data_term(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss over the batch, `()`, in the scaled units of real targets."""
        scaled = self._target_scaling
        return self.loss(logits, y) if scaled is None else self.loss(scaled(logits), scaled(y))

    @property
    def monitored(self) -> list[str]:
        """The metrics of an epoch that can be monitored."""
        return [name for split in self.logs.vals for name in self.logs.names(split)]

    def _named_regularizers(self) -> list[tuple[str, Regularizer]]:
        return cast(list[tuple[str, Regularizer]], list(self.regularizers.items()))

    def labels(self, y: Tensor) -> Tensor:
        """Return what metrics compare with: the likeliest class of `(B, C)` probabilities."""
        return y.argmax(-1) if self.spec.kind == "class" and y.is_floating_point() else y

    # -- the way of a batch ----------------------------------------------------------------

    def prepare_batch(self, batch: Batch) -> Batch:
        """Augment a training batch and let the regularizers change it."""
        if self.augments:
            x = batch.x
            for augment in self.augments:
                x = augment(x)
            batch = batch._replace(x=x)
        for _, regularizer in self._named_regularizers():
            batch = regularizer.on_batch(batch)
        return batch

    def learn(self, batch: Batch) -> Step:
        """Return what a training step makes of a batch: what it minimises, and every penalty."""
        step = self.forward_step(self.prepare_batch(batch))
        if self._objective is not None:
            step.loss = self._objective(step)
        for name, regularizer in self._named_regularizers():
            penalty = regularizer.penalty(step)
            if penalty is not None:
                step.terms[name] = penalty
        return step

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss to minimise, `()`: data term plus every penalty."""
        seed_here(self.device, self.seed, self.current_epoch, batch_idx, self.global_rank)
        step = self.learn(batch)
        values, weight = {"loss": step.loss} | step.terms, self._weight(step)
        self.logs.count("train", step.logits, self.labels(step.batch.y), values, weight)
        whole = step.loss
        for term in step.terms.values():
            whole = whole + term
        return poisonous(whole, share(self.trainer, batch_idx, weight))

    def _weight(self, step: Step) -> Tensor | None:
        """Return what the batch counts in a mean loss, None if that is its number of examples."""
        if self._weighing is None:
            return None
        return self._weighing.weight(step.logits.detach(), step.batch.y)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Measure the data term and the metrics."""
        self._evaluate(batch, self.logs.vals[dataloader_idx])

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Measure the data term and the metrics, and return the logits to who looks at them."""
        return self._evaluate(batch, self.logs.tests[dataloader_idx])

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return probabilities for classes, values otherwise, `(B, K)`."""
        logits = self.spec.scores(self.model(batch.x))
        return logits.softmax(-1) if self.spec.kind == "class" else logits

    def _evaluate(self, batch: Batch, split: str) -> Tensor:
        step = self.forward_step(batch)
        values, weight = {"loss": step.loss}, self._weight(step)
        self.logs.count(split, step.logits, self.labels(step.batch.y), values, weight)
        return step.logits

    # -- optimisation ----------------------------------------------------------------------

    def configure_optimizers(self) -> Any:
        """Build the optimizer and a schedule that is a closed form of progress."""
        optimizer = self.make_optimizer()
        if self._scheduler is None:
            return optimizer
        try:
            self.trainer.fit_loop.setup_data()  # or the number of batches is not yet known
        except ValueError as error:
            raise Unfit(f"trainer: {str(error).strip()}") from error
        total, accumulated = (
            self.trainer.estimated_stepping_batches,
            self.trainer.accumulate_grad_batches,
        )
        per_epoch = max(1, math.ceil(self.trainer.num_training_batches / accumulated))
        self._start = Clock(0, float(total), per_epoch)
        self._factors = factors(self._scheduler, optimizer, self._start)
        return optimizer

    def make_optimizer(self) -> Optimizer:
        """Return an optimizer over the parameter groups, each at its own rate."""
        return multiplied(self._optimizer(self._groups()))

    def on_train_start(self) -> None:
        """Go on measuring where a checkpoint was written, at the rates that are asked for now."""
        self._updates = max(1.0, float(self.trainer.estimated_stepping_batches))
        self._set_rates()
        self.logs.written = self.global_step  # single steps are looked at from the next one on
        if len(self._so_far) == self.trainer.world_size:
            self.logs.take_up(self._so_far[self.global_rank], self.device)
            self._so_far = []

    def _set_rates(self) -> None:
        """Give every group the rate of the next update: a function of the updates made so far."""
        if self._factors:
            set_rates(self._own_optimizer(), self._factors, self.global_step)

    def _own_optimizer(self) -> Optimizer:
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, Optimizer)
        return optimizer

    def _observe(self, values: dict[str, float]) -> None:
        """Show a schedule that looks at a metric what the validation measured."""
        if isinstance(self._scheduler, Observing) and self.trainer.state.fn == "fit":
            clock = replace(self._start, step=self.global_step)
            self._scheduler.observe(values[self._scheduler.monitor], clock)
            self._set_rates()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save what the data knew as plain data, so that the model can be rebuilt without it."""
        checkpoint["spec"] = self.spec.plain()
        checkpoint["optimizer"] = [type(each).__qualname__ for each in self.trainer.optimizers]
        if isinstance(self._scheduler, Observing):
            checkpoint["schedule"] = self._scheduler.state_dict()
        known = self.trainer.callback_metrics.items()
        checkpoint["measured"] = self.measured | {k: v.item() for k, v in known if "/" in k}
        checkpoint["rates"] = [list(each) for each in self._used]
        checkpoint["so_far"] = of_all(self.trainer, self.logs.so_far())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from what the schedule had seen, with the hyper-parameters that are asked for."""
        if isinstance(self._scheduler, Observing) and "schedule" in checkpoint:
            self._scheduler.load_state_dict(checkpoint["schedule"])
        self.measured = checkpoint.get("measured", {})
        self._so_far = checkpoint.get("so_far", [])
        self._used = [(name, rate) for name, rate in checkpoint.get("rates", [])]
        fresh, states = self.make_optimizer(), checkpoint.get("optimizer_states", [])
        same = checkpoint.get("optimizer") in (None, [type(fresh).__qualname__])
        checkpoint["optimizer_states"] = [renewed(state, fresh, same=same) for state in states]

    def _groups(self) -> list[dict[str, Any]]:
        if self._param_groups is None:
            groups: list[dict[str, Any]] = [{"name": "", "params": list(self.model.parameters())}]
        else:
            groups = self._param_groups(self.model)
        for _, regularizer in self._named_regularizers():
            regularizer.on_groups(groups)
        if self.regroup is not None:
            groups = self.regroup(groups)
        extra = list(self.regularizers.parameters())
        return [*groups, {"name": "regularizers", "params": extra}] if extra else groups

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Record the norm of the gradient that the optimizer is about to use."""
        norm = self.logs.recorded("gradient/norm")  # by who clips
        if norm is None:
            parameters = (p for group in optimizer.param_groups for p in group["params"])
            norm = length([p.grad for p in parameters if p.grad is not None])
            self.record({"gradient/norm": norm})
        scaled = getattr(self.trainer.precision_plugin, "scaler", None)  # skips such steps itself
        if scaled is None and not self._watch.finite(norm):
            raise Diverged(f"the gradient became non-finite at step {self.global_step}")

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Update the weights, then let the regularizers change them."""
        self._set_rates()
        self._used = self.learning_rates()
        super().optimizer_step(*args, **kwargs)
        if self.regularizers:
            lr, rates = self._rates()
            for _, regularizer in self._named_regularizers():
                regularizer.group_rates = rates
                regularizer.after_step(self.model, lr)

    def _rates(self) -> tuple[float, dict[int, float]]:
        """Return the first group's rate, and each parameter's by its id where groups differ."""
        groups = self._own_optimizer().param_groups
        first = float(groups[0]["lr"])
        if all(group["lr"] == first for group in groups):
            return first, {}
        return first, {id(p): float(group["lr"]) for group in groups for p in group["params"]}

    def learning_rates(self) -> list[tuple[str, float]]:
        """Return `(name, rate)` of each parameter group: `lr`, or `lr/<group>` of several."""
        return [
            (f"lr/{group['name']}" if group.get("name") else "lr", float(group["lr"]))
            for group in self._own_optimizer().param_groups
        ]

    # -- logs ------------------------------------------------------------------------------

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Forget the gradients; torch's own takes as long to say so to its profiler."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def record(self, values: Mapping[str, float | Tensor]) -> None:
        """Keep single values of this training step for the logs, without waiting for the device."""
        if self.device.type != "cpu":  # there a sum is of tensors alone
            values = {name: on(value, self.device) for name, value in values.items()}
        self.logs.meters["train"].add(values)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Write this step's values every `log_every_n_steps`; the only wait for the device."""
        every = cast(Any, self.trainer).log_every_n_steps
        values = self.logs.step(self.global_step, every, self.trainer)
        if values:
            self._write(values)

    def on_train_epoch_end(self) -> None:
        """Log the epoch's means; a gradient that is not yet judged must be before it is saved."""
        if not self._watch.settled():
            raise Diverged(f"the gradient became non-finite at step {self.global_step - 1}")
        self._end_epoch("train")

    def on_validation_epoch_end(self) -> None:
        """Log the means over the validation split."""
        if self.trainer.sanity_checking:
            for split in self.logs.vals:
                self.logs.end_epoch(split, self.trainer)  # and forget it
        else:
            values = self._end_epoch("val")
            for split in self.logs.vals[1:]:
                values |= self._end_epoch(split)
            if self.trainer.state.fn == "fit" and not math.isfinite(values["val/loss"]):
                raise Diverged(f"val/loss is {values['val/loss']} at step {self.global_step}")
            self._observe(values)

    def on_test_epoch_end(self) -> None:
        """Log the means over every test set."""
        for split in self.logs.tests:
            self._end_epoch(split)

    def _end_epoch(self, split: str) -> dict[str, float]:
        values = self.logs.end_epoch(split, self.trainer)
        real = torch.float32 if self.device.type == "mps" else torch.float64
        exact = {name: torch.tensor(value, dtype=real) for name, value in values.items()}
        self.log_dict(exact, logger=False)  # for whoever monitors; all ranks agree already
        self._write(values)
        return values

    def _write(self, values: dict[str, float]) -> None:
        if self.trainer.state.fn == "fit":
            values |= {"epoch": self.current_epoch + 1}
        if self.trainer.training:
            values |= dict(self._used)
        for logger in self.trainer.loggers:
            logger.log_metrics(values, step=self.global_step)


def on(value: float | Tensor, device: torch.device) -> Tensor:
    """Return a number as `()` on a device: filling one waits for nothing, copying it would."""
    return value if isinstance(value, Tensor) else torch.full((), value, device=device)


def poisonous(loss: Tensor, share: float | Tensor) -> Tensor:
    """Return `share` of the loss; where that is not finite, its gradient is not either.

    So one look at the gradient, which all processes share, judges the losses of all, too.
    """
    if loss.is_cpu and math.isfinite(loss.item()):  # known without waiting
        return loss if isinstance(share, float) and share == 1 else loss * share
    return loss * (loss.detach() * 0 + share)


def of_all(trainer: Trainer, own: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what every process has, by rank."""
    if trainer.world_size == 1:
        return [own]
    everything: list[Any] = [None] * trainer.world_size
    distributed.all_gather_object(everything, own)
    return everything
