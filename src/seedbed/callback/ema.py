"""Exponential moving average of the weights.

Source: Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; the
warm-up is that of Tarvainen & Valpola 2017, "Mean Teachers Are Better Role Models", section 3.

Our own, because Lightning's tests the raw weights after `fit`, saves average and weights swapped
when validation fails, and stores the average twice at the end of training.
"""

from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

RAW = "raw_state_dict"  # checkpoint key of the weights that training goes on from


class EMA(Callback):
    """Validates, tests and saves a smoothed copy of the weights: x̄ ← d·x̄ + (1 - d)·x each step.

    The average starts at the initial weights.  Buffers of floating point (running statistics) are
    averaged with the weights, others copied.

    Args:
        decay: d, the weight of the past, in [0, 1); a memory of about 1 / (1 - d) steps.
        warmup: let d grow as (1 + t) / (10 + t) up to `decay`, so that the first, bad weights
            are soon forgotten.

    Raises:
        ValueError: `decay` lies outside its range.
    """

    def __init__(self, decay: float = 0.99, warmup: bool = True) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie in [0, 1), got {decay}")
        self.decay, self.warmup = decay, warmup
        self.updates = 0
        self.average: dict[str, Tensor] = {}  # by name in the task's state
        self.swapped = False  # the task holds the average, `average` the raw weights

    def decay_at(self, update: int) -> float:
        """Return d at the t-th update, t = 1, 2, and so on."""
        return min(self.decay, (1 + update) / (10 + update)) if self.warmup else self.decay

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start from the initial weights, or go on from a checkpoint's average."""
        if not self.average:
            self.average = {k: v.detach().clone() for k, v in pl_module.state_dict().items()}
        self.average = {k: v.to(pl_module.device) for k, v in self.average.items()}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Average once for every optimizer step."""
        if trainer.global_step > self.updates:
            self.updates = trainer.global_step
            self.update(pl_module.state_dict())

    @torch.no_grad()
    def update(self, weights: dict[str, Tensor]) -> None:
        """Move the average towards `weights`."""
        floats = [k for k, v in weights.items() if v.is_floating_point()]
        torch._foreach_lerp_(
            [self.average[k] for k in floats],
            [weights[k] for k in floats],
            1 - self.decay_at(self.updates),
        )
        for name in weights.keys() - set(floats):
            self.average[name].copy_(weights[name])

    @torch.no_grad()
    def swap(self, pl_module: LightningModule) -> None:
        """Exchange the task's weights and the average."""
        weights = pl_module.state_dict()
        seen: set[int] = set()  # tied weights have two names
        for name, value in self.average.items():
            if weights[name].data_ptr() in seen:
                continue
            seen.add(weights[name].data_ptr())
            kept = weights[name].clone()
            weights[name].copy_(value)
            value.copy_(kept)
        self.swapped = not self.swapped

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the average, while training."""
        if self.average and trainer.state.fn == "fit":
            self.swap(pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the raw weights."""
        if self.swapped:
            self.swap(pl_module)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave no swapped weights behind when a validation fails."""
        if self.swapped:
            self.swap(pl_module)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the average in the task: it is the result of training."""
        if self.average:
            self.swap(pl_module)
            self.average, self.swapped = {}, False

    def state_dict(self) -> dict[str, Any]:
        """Return the number of updates; the tensors go where the weights are."""
        return {"updates": self.updates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.updates = state_dict["updates"]

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Save the average as the model, and the raw weights beside it to go on from."""
        if self.average:
            average = {k: v.clone() for k, v in self.average.items()}
            raw = checkpoint["state_dict"]
            if self.swapped:
                average, raw = {k: v.clone() for k, v in raw.items()}, average
            checkpoint["state_dict"], checkpoint[RAW] = average, raw

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Go on from the raw weights and the average beside them."""
        if RAW in checkpoint and trainer.state.fn == "fit":
            self.average = {k: v.clone() for k, v in checkpoint["state_dict"].items()}
            pl_module.load_state_dict(checkpoint[RAW])
