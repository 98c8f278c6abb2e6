"""Standard scaling (z-score), per feature or per channel.

Formula: x' = (x - μ)/σ with σ² = (1/N)·Σ(x - μ)²
Source: scikit-learn, `preprocessing.StandardScaler`,
https://scikit-learn.org/stable/modules/preprocessing.html#standardization-or-mean-removal-and-variance-scaling.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

from torch import Tensor, nn

from seedbed.scaling._axes import mask, per_channel, pieces, refuse_infinite
from seedbed.scaling._moments import constant, merge, moments


class Standard(nn.Module):
    """Gives every feature mean 0 and standard deviation 1 over the training split.

    A constant feature becomes 0.  The deviation is the biased one, as in scikit-learn.

    Args:
        shape: of one input.
        untouched: features that stay as they are, in [0, D).
    """

    mean: Tensor  # (1, C, 1, ...)
    std: Tensor  # (1, C, 1, ...), 1 where the feature is constant
    kept: Tensor  # (1, C, 1, ...) bool

    def __init__(self, shape: tuple[int, ...], untouched: Sequence[int] = ()) -> None:
        super().__init__()
        self.all = not untouched
        self.register_buffer("mean", per_channel(shape, 0.0))
        self.register_buffer("std", per_channel(shape, 1.0))
        self.register_buffer("kept", mask(shape, untouched), persistent=False)

    def fit(self, x: Tensor | Iterable[Tensor]) -> None:
        """Measure the training inputs, `(N, C, ...)`, in double precision.

        Raises:
            ValueError: they are not finite.
        """
        found = reduce(merge, map(moments, pieces(x)))
        dtype = found.dtype
        mean = found.mean.where(found.low != found.high, found.low).to(dtype)
        std = found.std.masked_fill(constant(found), 1).to(dtype)
        refuse_infinite(mean, std)
        self.mean, self.std = mean, std.where(std > 0, 1)  # too small for the type: left undivided

    def forward(self, x: Tensor) -> Tensor:
        """Scale `(B, C, ...)`."""
        scaled = (x - self.mean) / self.std
        return scaled if self.all else x.where(self.kept, scaled)

    def inverse(self, x: Tensor) -> Tensor:
        """Undo it."""
        restored = x * self.std + self.mean
        return restored if self.all else x.where(self.kept, restored)
