"""Standard scaling (z-score), per feature or per channel."""

import torch
from torch import Tensor, nn

from seedbed.scaling._axes import all_but_channels, per_channel


class Standard(nn.Module):
    """Gives every feature mean 0 and standard deviation 1 over the training split.

    A constant feature becomes 0.  The deviation is the biased one, as in scikit-learn.

    Args:
        shape: of one input.
    """

    mean: Tensor  # (1, C, 1, ...)
    std: Tensor  # (1, C, 1, ...), 1 where the feature is constant

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", per_channel(shape, 0.0))
        self.register_buffer("std", per_channel(shape, 1.0))

    def fit(self, x: Tensor) -> None:
        """Measure the training inputs, `(N, C, ...)`, in double precision."""
        axes = all_but_channels(x)
        mean = x.mean(axes, keepdim=True, dtype=torch.float64)
        std = (x.double() - mean).square().mean(axes, keepdim=True).sqrt()
        constant = std <= torch.finfo(x.dtype).eps * mean.abs()
        self.mean = mean.to(x.dtype)
        self.std = torch.where(constant, torch.ones_like(std), std).to(x.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Scale `(B, C, ...)`."""
        return (x - self.mean) / self.std

    def inverse(self, x: Tensor) -> Tensor:
        """Undo it."""
        return x * self.std + self.mean
