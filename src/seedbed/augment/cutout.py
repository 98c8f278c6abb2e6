"""Cutout: a square of every training image is hidden.

Formula: x[cy-s/2 : cy+s/2, cx-s/2 : cx+s/2] = fill, (cy, cx) uniform over the pixels
Source: DeVries & Taylor 2017, "Improved Regularization of Convolutional Neural Networks with
    Cutout", section 3.2, https://arxiv.org/abs/1708.04552
"""

from math import isfinite

import torch
from torch import Tensor

from seedbed.augment._images import refuse_others


class Cutout:
    """Hides a square of every image, so that no single part decides.

    Its centre is uniform over the image, so a square at the border is cut off there.

    Args:
        size: side of the square as a share of the shorter side of the image, in [0, 1];
            rounded to whole pixels, 0 changes nothing.
        fill: what the square becomes, in the units of the data (before scaling).

    Raises:
        ValueError: an argument outside its range, or inputs that are no images.
    """

    def __init__(self, size: float = 0.5, fill: float = 0.0) -> None:
        if not 0 <= size <= 1:
            raise ValueError(f"size must lie in [0, 1], got {size}")
        if not isfinite(fill):
            raise ValueError(f"fill must be finite, got {fill}")
        self.size, self.fill = size, fill

    def __call__(self, x: Tensor) -> Tensor:
        """Return images with a square of `fill`, `(B, channels, height, width)`."""
        refuse_others("cutout", x)
        height, width = x.shape[-2:]
        side = round(self.size * min(height, width))
        if side == 0:
            return x
        hidden = span(x, height, side)[:, :, None] & span(x, width, side)[:, None, :]
        return x.masked_fill(hidden[:, None], self.fill)


def span(x: Tensor, length: int, side: int) -> Tensor:
    """Draw for each image which of `length` places are within `side` of a centre, `(B, length)`."""
    start = torch.randint(length, (len(x), 1), device=x.device) - side // 2
    place = torch.arange(length, device=x.device)
    return (place >= start) & (place < start + side)
