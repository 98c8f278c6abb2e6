"""Stochastic weight averaging: the mean of the weights at the ends of the last epochs.

Formula: x̄ₙ = x̄ₙ₋₁ + (xₙ - x̄ₙ₋₁)/n = (1/n) Σ xᵢ, the xᵢ taken every so many epochs of the tail

Source: Izmailov, Podoprikhin, Garipov, Vetrov & Wilson 2018, "Averaging Weights Leads to Wider
Optima and Better Generalization", algorithm 1, https://arxiv.org/abs/1803.05407.

Our own, because Lightning's averages the weights at the *starts* of epochs, so it takes one from
before the tail and misses the last, and it validates the raw weights.
"""

import math
from typing import Any

import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from seedbed.callback._average import Averaging
from seedbed.callback._epochs import epochs


class SWA(Averaging):
    """Validates, tests and saves the mean of the weights at the ends of the last epochs.

    Running statistics of norm layers are measured anew for each mean: one forward pass over the
    training inputs, without augmentation.  Until the first snapshot everything is as without it.
    The mean competes with the weights before it by the monitor, like those of any other epoch;
    set `scheduler` to keep the learning rate high in the tail: this does not touch it.

    Args:
        start: where the tail begins: a share of the training in (0, 1), or a whole number of
            epochs, >= 0, that come before it.
        every: epochs between snapshots, >= 1; the first is `every` epochs into the tail.

    Raises:
        ValueError: an argument lies outside its range.
    """

    def __init__(self, start: float = 0.75, every: int = 1) -> None:
        super().__init__()
        if not (0 <= start < math.inf) or (start > 1 and start != int(start)):
            raise ValueError(
                f"start must be a share in (0, 1) or a whole number of epochs, got {start}"
            )
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every}")
        self.start, self.every = start, every
        self.count = 0  # snapshots in the mean
        self.first = self.newest = 0  # epochs at whose end they were taken
        self.before = 0  # epochs before the tail

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Place the tail; forget snapshots that a longer training puts before it."""
        self.before = tail(self.start, epochs(trainer))
        if self.first <= self.before:
            self.count, self.average = 0, {}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take a snapshot at the end of an epoch, before its validation."""
        if trainer.is_last_batch:
            self.take(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the snapshot of an epoch that was cut short."""
        self.take(trainer, pl_module)

    def take(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the weights to the mean if it is time."""
        epoch = trainer.current_epoch + 1
        into = epoch - self.before
        if epoch == self.newest or into < 1 or into % self.every:
            return
        self.look(pl_module)
        self.count, self.newest = self.count + 1, epoch
        if self.count == 1:
            self.first = epoch
            self.begin()
        self.move(1 / self.count)
        self.measure(trainer, pl_module)

    @torch.no_grad()
    def measure(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the mean its own running statistics."""
        norms = [m for m in pl_module.modules() if isinstance(m, _NormBase) and follows(m)]
        if not norms:
            return
        self.show()
        estimate(norms, trainer, pl_module)
        for name, slot in self.slots.items():
            if any(slot.holder is norm._buffers for norm in norms):
                self.average[name].copy_(slot.tensor)
        self.hide()

    def state_dict(self) -> dict[str, Any]:
        """Return which snapshots are in the mean."""
        return {"count": self.count, "first": self.first, "newest": self.newest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.count, self.first = state_dict["count"], state_dict["first"]
        self.newest = state_dict["newest"]


def tail(start: float, total: float) -> int:
    """Return how many epochs of `total` come before the tail."""
    share = 0 < start < 1
    return math.floor(start * total + 1e-9) if share and math.isfinite(total) else int(start)


def follows(norm: nn.Module) -> bool:
    """Return whether a norm layer keeps running statistics, and is not frozen."""
    return norm.training and getattr(norm, "running_mean", None) is not None


def estimate(norms: list[Any], trainer: Trainer, pl_module: LightningModule) -> None:
    """Fill running statistics with their plain mean over the training batches of all processes.

    Everything but these layers is in eval mode: at a test dropout is off, too.
    """
    modes = {module: module.training for module in pl_module.modules()}
    momenta = [norm.momentum for norm in norms]
    pl_module.eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative: every batch counts the same
            norm.train()
        for x in inputs(trainer, pl_module):
            with trainer.precision_plugin.forward_context():
                pl_module(x)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes.items():
            module.training = mode
    for statistic in (s for norm in norms for s in (norm.running_mean, norm.running_var)):
        mean = trainer.strategy.reduce(statistic.clone(), reduce_op="mean")
        assert isinstance(mean, Tensor)
        statistic.copy_(mean)


def inputs(trainer: Trainer, pl_module: LightningModule) -> Any:
    """Yield the inputs of the training batches of one epoch, `(B, ...)`, where the model is.

    Those of episodes come one by one, as their task gives them to the model.
    """
    loader: Any = trainer.train_dataloader
    spec = getattr(pl_module, "spec", None)
    for index, batch in enumerate(loader):
        if index >= trainer.num_training_batches:
            return
        here = trainer.strategy.batch_to_device(batch, pl_module.device)
        x = here if isinstance(here, Tensor) else here[0]
        yield x if spec is None else x.flatten(0, x.ndim - 1 - len(spec.shape))
