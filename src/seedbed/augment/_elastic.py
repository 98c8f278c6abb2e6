"""Smooth random displacements."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def displacements(x: Tensor, strength: float, smoothness: float) -> Tensor:
    """Draw where each pixel of `(B, C, H, W)` comes from, relative to its place, `(B, H, W, 2)`.

    White noise under a Gaussian, alike everywhere, in the units of `grid_sample` (right, down).

    Args:
        x: the images.
        strength: standard deviation, a share of the side.
        smoothness: standard deviation of the Gaussian, a share of the shorter side.
    """
    height, width = x.shape[-2:]
    kernel = gaussian(smoothness * min(height, width), x)
    reach = len(kernel) // 2
    size = (2 * len(x), 1, height + 2 * reach, width + 2 * reach)
    noise = torch.randn(size, device=x.device, dtype=x.dtype)
    smooth = F.conv2d(F.conv2d(noise, kernel[None, None, :, None]), kernel[None, None, None, :])
    unit = smooth / kernel.square().sum()  # of variance 1: Σ k² along each axis
    pairs = unit.reshape(2, len(x), height, width).movedim(0, -1)
    return 2 * strength * pairs  # the grid spans [-1, 1]


def gaussian(std: float, like: Tensor) -> Tensor:
    """Return a Gaussian over whole pixels, cut off at 3 `std`, with a sum of 1."""
    reach = max(1, math.ceil(3 * std))
    place = torch.arange(-reach, reach + 1, device=like.device, dtype=like.dtype)
    return (-0.5 * (place / std).square()).softmax(0)
