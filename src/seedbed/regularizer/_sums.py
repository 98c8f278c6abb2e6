"""Sums over the weights of a model, and the check of what they are multiplied by."""

from math import inf

import torch
from torch import Tensor, nn

from seedbed.weight import weights


def refuse_coef(coef: float) -> None:
    """Raise a ValueError unless this can be the strength of a penalty."""
    if not 0 <= coef < inf:
        raise ValueError(f"coef must be at least 0 and finite, got {coef}")


def absolute(model: nn.Module, start: Tensor) -> Tensor:
    """Return Σ|w|, `()`, in at least single precision, on the device of `start`."""
    return sum((wide(w).abs().sum() for w in weights(model)), wide(torch.zeros_like(start)))


def squares(model: nn.Module, start: Tensor) -> Tensor:
    """Return Σw², `()`, in at least single precision, on the device of `start`."""
    return sum((wide(w).square().sum() for w in weights(model)), wide(torch.zeros_like(start)))


def wide(x: Tensor) -> Tensor:
    """Return `x` in at least single precision: half precision cannot add up a million weights."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
