"""Min-max scaling, per feature or per channel."""

import torch
from torch import Tensor, nn

from seedbed.scaling._axes import all_but_channels, per_channel


class MinMax(nn.Module):
    """Moves the smallest training value to `range[0]` and the largest to `range[1]`.

    A constant feature becomes `range[0]`.  Values outside the training range leave the interval.

    Args:
        shape: of one input.
        range: interval of the scaled values, the first below the second; [-1, 1] is symmetric.

    Raises:
        ValueError: the interval is empty.
    """

    low: Tensor  # (1, C, 1, ...)
    width: Tensor  # (1, C, 1, ...), 1 where the feature is constant

    def __init__(self, shape: tuple[int, ...], range: tuple[float, float] = (0.0, 1.0)) -> None:
        super().__init__()
        if not range[0] < range[1]:
            raise ValueError(f"range must go from a smaller to a larger number, got {list(range)}")
        self.start, self.span = float(range[0]), float(range[1] - range[0])
        self.register_buffer("low", per_channel(shape, 0.0))
        self.register_buffer("width", per_channel(shape, 1.0))

    def fit(self, x: Tensor) -> None:
        """Measure the training inputs, `(N, C, ...)`."""
        axes = all_but_channels(x)
        self.low = x.amin(axes, keepdim=True)
        width = x.amax(axes, keepdim=True) - self.low
        self.width = torch.where(width == 0, torch.ones_like(width), width)

    def forward(self, x: Tensor) -> Tensor:
        """Scale `(B, C, ...)`."""
        return (x - self.low) / self.width * self.span + self.start

    def inverse(self, x: Tensor) -> Tensor:
        """Undo it."""
        return (x - self.start) / self.span * self.width + self.low
