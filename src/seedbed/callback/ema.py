"""Exponential moving average of the weights.

Formula: x̄₀ = x₀;  x̄ₜ = dₜ·x̄ₜ₋₁ + (1 - dₜ)·xₜ;  dₜ = min(decay, (1 + t)/(10 + t))

Source: Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging",
https://doi.org/10.1137/0330046; Tarvainen & Valpola 2017, "Mean Teachers Are Better Role Models",
equation 1, https://arxiv.org/abs/1703.01780; the warm-up is that of TensorFlow's
ExponentialMovingAverage.
"""

from typing import Any

from lightning import LightningModule, Trainer

from seedbed.callback._average import Averaging


class EMA(Averaging):
    """Validates, tests and saves a smoothed copy of the weights: x̄ ← d·x̄ + (1 - d)·x each step.

    The average starts at the initial weights.  Running statistics of norm layers are averaged with
    the weights, other buffers copied.

    Args:
        decay: d, the weight of the past, in [0, 1); a memory of about 1 / (1 - d) steps.
        warmup: let d grow as (1 + t) / (10 + t) up to `decay`, so that the first, bad weights
            are soon forgotten.

    Raises:
        ValueError: `decay` lies outside its range.
    """

    def __init__(self, decay: float = 0.99, warmup: bool = True) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie in [0, 1), got {decay}")
        self.decay, self.warmup = decay, warmup
        self.updates = 0

    def decay_at(self, update: int) -> float:
        """Return d at the t-th update, t = 1, 2, and so on."""
        return min(self.decay, (1 + update) / (10 + update)) if self.warmup else self.decay

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start from the initial weights, or go on from a checkpoint's average."""
        super().on_fit_start(trainer, pl_module)
        self.begin()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Average once for every optimizer step."""
        if (step := trainer.global_step) > self.updates:
            self.updates = step
            self.move(1 - self.decay_at(self.updates))

    def state_dict(self) -> dict[str, Any]:
        """Return the number of updates; the tensors go where the weights are."""
        return {"updates": self.updates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.updates = state_dict["updates"]
