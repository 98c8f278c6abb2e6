"""Along which axes inputs are measured: images per channel, tables per feature."""

import torch
from torch import Tensor


def all_but_channels(x: Tensor) -> list[int]:
    """Return the axes of `(N, C, H, W)` or `(N, D)` that are not axis 1."""
    return [axis for axis in range(x.ndim) if axis != 1]


def per_channel(shape: tuple[int, ...], value: float) -> Tensor:
    """Return one `value` for each channel or feature of inputs of `shape`, `(1, C, 1, ...)`."""
    return torch.full((1, shape[0], *[1] * (len(shape) - 1)), value)
