"""Rotation, zoom, shift and flip in one interpolation.

Source: Simard, Steinkraus & Platt 2003, "Best Practices for Convolutional Neural Networks".
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


class Basic:
    """Moves every image a little, each in its own way; what comes in from outside is 0.

    Args:
        rotation: largest angle in degrees, either way, in [0, 180].
        zoom: largest relative change of size, either way, in [0, 1).
        shift: largest move as a share of the side, either way, in [0, 1].
        flip: probability of a horizontal mirror image, in [0, 1]; 0 for digits and letters.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self, rotation: float = 10.0, zoom: float = 0.1, shift: float = 0.1, flip: float = 0.0
    ) -> None:
        limits = {
            "rotation": (rotation, 180),
            "zoom": (zoom, 1),
            "shift": (shift, 1),
            "flip": (flip, 1),
        }
        for name, (value, most) in limits.items():
            if not 0 <= value <= most:
                raise ValueError(f"{name} must lie in [0, {most}], got {value}")
        if zoom == 1:
            raise ValueError("zoom must be below 1: an image of size 0 is nothing")
        self.rotation, self.zoom, self.shift, self.flip = rotation, zoom, shift, flip

    def __call__(self, x: Tensor) -> Tensor:
        """Return moved images, `(B, channels, height, width)`."""
        if x.ndim != 4:
            raise ValueError(
                f"augment=basic needs images, got inputs of shape {tuple(x.shape[1:])}"
            )
        if not any((self.rotation, self.zoom, self.shift, self.flip)):
            return x
        return warp(x, self._motions(x))

    def _motions(self, x: Tensor) -> Tensor:
        def draw(most: float) -> Tensor:
            return (2 * torch.rand(len(x), device=x.device) - 1) * most

        angle, size = draw(math.radians(self.rotation)), 1 + draw(self.zoom)
        right, down = draw(2 * self.shift), draw(2 * self.shift)  # the grid spans [-1, 1]
        mirror = torch.where(torch.rand(len(x), device=x.device) < self.flip, -1.0, 1.0)
        return motion(angle, size, right, down, mirror, x.shape[-2] / x.shape[-1])


def motion(
    angle: Tensor, size: Tensor, right: Tensor, down: Tensor, mirror: Tensor, aspect: float = 1.0
) -> Tensor:
    """Return where each output pixel comes from, `(B, 2, 3)`, as `affine_grid` wants it.

    Args:
        angle: counter-clockwise, in radians, `(B,)`.
        size: 2 shows the image twice as large, `(B,)`.
        right: shift in half image widths, `(B,)`.
        down: shift in half image heights, `(B,)`.
        mirror: -1 for a horizontal mirror image, else 1, `(B,)`.
        aspect: height over width, so that a rotation stays one in pixels.
    """
    cos, sin = angle.cos() / size, angle.sin() / size
    across = torch.stack([mirror * cos, -mirror * sin * aspect, -right], -1)
    along = torch.stack([sin / aspect, cos, -down], -1)
    return torch.stack([across, along], 1)


def warp(x: Tensor, motions: Tensor) -> Tensor:
    """Return `(B, channels, height, width)` sampled where `motions` says, 0 outside."""
    grid = F.affine_grid(motions.to(x.dtype), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)
