"""Gradient clipping.

Formula: by norm g ← g·min(1, θ/‖g‖) over all parameters at once; by value gᵢ ← max(-θ, min(θ, gᵢ))

Source: Pascanu, Mikolov & Bengio 2013, "On the Difficulty of Training Recurrent Neural Networks",
algorithm 1, https://arxiv.org/abs/1211.5063.
"""

import math
from typing import Any, Literal, NamedTuple, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.optim import Optimizer

from seedbed.length import length, total_norm
from seedbed.types import Recording


class Clipped(NamedTuple):
    """What clipping has done: numbers where that is known without waiting, else `()` each."""

    before: float | Tensor  # length of all gradients as one
    share: float | Tensor  # by norm 1 if it was cut, else 0; by value that of the elements cut
    after: float | Tensor | None  # length that is left, where known without another look


def clip_norm(gradients: list[Tensor], threshold: float) -> Clipped:
    """Scale all gradients as one to length `threshold` if they are longer."""
    norm = length(gradients)
    precise = torch.promote_types(gradients[0].dtype, torch.float32)  # double: twice the time
    if not isinstance(norm, Tensor):
        if norm <= threshold:
            return Clipped(norm, 0.0, norm)
        after = threshold if math.isfinite(norm) else math.nan  # the infinite stays so
        torch._foreach_mul_(gradients, torch.tensor(after / norm, dtype=precise))
        return Clipped(norm, 1.0, after)
    factor = threshold / norm.clamp(min=threshold) + (norm - norm)  # NaN: the infinite stays so
    torch._foreach_mul_(gradients, factor.to(precise))
    return Clipped(norm, (norm > threshold).to(norm.dtype), norm * factor)


def clip_value(gradients: list[Tensor], threshold: float) -> Clipped:
    """Cut each element of the gradients to `[-threshold, threshold]`."""
    norm = total_norm(gradients)
    torch._foreach_add_(gradients, norm - norm)  # 0, or NaN where something is infinite
    cut = torch.stack([(g.abs() > threshold).sum().to(norm.device) for g in gradients]).sum()
    torch._foreach_clamp_min_(gradients, -threshold)
    torch._foreach_clamp_max_(gradients, threshold)
    return Clipped(norm, cut.to(norm.dtype) / sum(g.numel() for g in gradients), None)


class GradientClip(Callback):
    """Keeps single steps from being too large.

    Clips once an update what all micro-batches and processes have added up.  Logs
    `gradient/norm_before`, `gradient/clipped`, the share of steps (by norm) or of elements (by
    value) that were clipped, and `gradient/norm`, what is left.

    Args:
        threshold: θ, in units of the gradient, > 0.
        by: `norm` scales the whole gradient to length θ where it is longer; `value` cuts each
            element to [-θ, θ].

    Raises:
        ValueError: `threshold` is not positive, or `by` is neither.
    """

    def __init__(self, threshold: float = 1.0, by: Literal["norm", "value"] = "norm") -> None:
        if not threshold > 0:
            raise ValueError(f"threshold must be positive, got {threshold}")
        if by not in ("norm", "value"):
            raise ValueError(f"by must be 'norm' or 'value', got {by!r}")
        self.threshold, self.by = threshold, by

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Clip what the optimizer is about to use."""
        unscale(trainer, optimizer)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        clip = clip_norm if self.by == "norm" else clip_value
        before, share, after = clip(gradients, self.threshold)
        values = {"gradient/norm_before": before, "gradient/clipped": share}
        known = {} if after is None else {"gradient/norm": after}
        cast(Recording, pl_module).record(values | known)


def unscale(trainer: Trainer, optimizer: Optimizer) -> None:
    """Undo the loss scaling of half precision where a fused optimizer would do it in its step."""
    scaler: Any = getattr(trainer.precision_plugin, "scaler", None)
    if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
        scaler.unscale_(optimizer)
