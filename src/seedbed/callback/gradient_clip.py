"""Gradient clipping.

Source: Pascanu, Mikolov & Bengio 2013, "On the Difficulty of Training Recurrent Neural Networks",
algorithm 1.
"""

from typing import Literal, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.optim import Optimizer

from seedbed.types import Recording


class GradientClip(Callback):
    """Keeps single steps from being too large.

    Logs `gradient/norm_before` and `gradient/clipped`, the share of steps that were clipped.

    Args:
        threshold: θ, in units of the gradient, > 0.
        by: `norm` scales the whole gradient to length θ where it is longer; `value` cuts each
            element to [-θ, θ].

    Raises:
        ValueError: `threshold` is not positive.
    """

    def __init__(self, threshold: float = 1.0, by: Literal["norm", "value"] = "norm") -> None:
        if threshold <= 0:
            raise ValueError(f"threshold must be positive, got {threshold}")
        if by not in ("norm", "value"):
            raise ValueError(f"by must be 'norm' or 'value', got {by!r}")
        self.threshold, self.by = threshold, by

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Clip what all micro-batches and processes have added up."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        torch._foreach_add_(gradients, norm - norm)  # 0, or NaN: what is infinite is not to be cut
        if self.by == "norm":
            torch._foreach_mul_(gradients, self.threshold / norm.clamp(min=self.threshold))
            clipped = norm > self.threshold
        else:
            largest = torch.stack(torch._foreach_norm(gradients, float("inf"))).max()
            torch._foreach_clamp_min_(gradients, -self.threshold)
            torch._foreach_clamp_max_(gradients, self.threshold)
            clipped = largest > self.threshold
        cast(Recording, pl_module).record(
            {"gradient/norm_before": norm, "gradient/clipped": clipped.float()}
        )
