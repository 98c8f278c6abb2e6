"""Min-max scaling, per feature or per channel.

Formula: x' = a + (b - a)·(x - min)/(max - min) for the range [a, b]
Source: scikit-learn, `preprocessing.MinMaxScaler`,
https://scikit-learn.org/stable/modules/preprocessing.html#scaling-features-to-a-range.
"""

import math
from collections.abc import Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from seedbed.scaling._axes import all_but_channels, mask, per_channel, pieces, refuse_infinite


class MinMax(nn.Module):
    """Moves the smallest training value to `range[0]` and the largest to `range[1]`.

    A constant feature becomes `range[0]`.  Values outside the training range leave the interval.

    Args:
        shape: of one input.
        range: interval of the scaled values, the first below the second; [-1, 1] is symmetric.
        untouched: features that stay as they are, in [0, D).

    Raises:
        ValueError: the interval is empty or not finite.
    """

    low: Tensor  # (1, C, 1, ...)
    width: Tensor  # (1, C, 1, ...), 1 where the feature is constant
    kept: Tensor  # (1, C, 1, ...) bool

    def __init__(
        self,
        shape: tuple[int, ...],
        range: tuple[float, float] = (0.0, 1.0),
        untouched: Sequence[int] = (),
    ) -> None:
        super().__init__()
        if not range[0] < range[1] or not all(map(math.isfinite, range)):
            raise ValueError(f"range must go from a smaller to a larger number, got {list(range)}")
        self.start, self.span = float(range[0]), float(range[1] - range[0])
        self.all = not untouched
        self.register_buffer("low", per_channel(shape, 0.0))
        self.register_buffer("width", per_channel(shape, 1.0))
        self.register_buffer("kept", mask(shape, untouched), persistent=False)

    def fit(self, x: Tensor | Iterable[Tensor]) -> None:
        """Measure the training inputs, `(N, C, ...)`.

        Raises:
            ValueError: they are not finite.
        """
        lows, highs = zip(*map(extremes, pieces(x)), strict=True)
        low, high = reduce(torch.minimum, lows), reduce(torch.maximum, highs)
        width = high - low
        refuse_infinite(low, width)
        self.low = low
        self.width = torch.where(width == 0, torch.ones_like(width), width)

    def forward(self, x: Tensor) -> Tensor:
        """Scale `(B, C, ...)`."""
        scaled = (x - self.low) / self.width * self.span + self.start
        return scaled if self.all else x.where(self.kept, scaled)

    def inverse(self, x: Tensor) -> Tensor:
        """Undo it."""
        restored = (x - self.start) / self.span * self.width + self.low
        return restored if self.all else x.where(self.kept, restored)


def extremes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the smallest and the largest value of each channel, `(1, C, 1, ...)` each."""
    axes = all_but_channels(x)
    return x.amin(axes, keepdim=True), x.amax(axes, keepdim=True)
