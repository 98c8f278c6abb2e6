"""Rotation, zoom, shear, shift, flip and elastic distortion in one interpolation.

Formula: x'(u) = x(M S R(-φ) u / s - t + d(u)), bilinear, 0 outside; d smoothed white noise
Source: Simard, Steinkraus & Platt 2003, "Best Practices for Convolutional Neural Networks Applied
    to Visual Document Analysis", section 2, https://doi.org/10.1109/ICDAR.2003.1227801
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seedbed.augment._elastic import displacements
from seedbed.augment._images import narrow, refuse_others, wide


class Basic:
    """Moves every image a little, each in its own way; what comes in from outside is 0.

    Args:
        rotation: largest angle in degrees, either way, in [0, 180].
        zoom: largest relative change of size, either way, in [0, 1).
        shift: largest move as a share of the side, either way, in [0, 1].
        flip: probability of a horizontal mirror image, in [0, 1]; 0 for digits and letters.
        shear: largest angle in degrees by which upright lines lean, either way, in [0, 90).
        elastic: standard deviation of each pixel's own move as a share of the side, in [0, 1];
            .03 bends handwriting.
        smoothness: how far neighbours move together, standard deviation of a Gaussian as a share
            of the shorter side, in (0, 1].
        whole_pixels: shifts are rounded to whole pixels, so that an image that is only shifted
            and mirrored stays as sharp as it was: a crop of the image in a black frame.

    Raises:
        ValueError: an argument outside its range, or inputs that are no images.
    """

    def __init__(
        self,
        rotation: float = 10.0,
        zoom: float = 0.1,
        shift: float = 0.1,
        flip: float = 0.0,
        shear: float = 0.0,
        elastic: float = 0.0,
        smoothness: float = 0.14,
        whole_pixels: bool = False,
    ) -> None:
        closed = {
            "rotation": (rotation, 180),
            "shift": (shift, 1),
            "flip": (flip, 1),
            "elastic": (elastic, 1),
        }
        for name, (value, most) in closed.items():
            if not 0 <= value <= most:
                raise ValueError(f"{name} must lie in [0, {most}], got {value}")
        for name, (value, most) in {"zoom": (zoom, 1), "shear": (shear, 90)}.items():
            if not 0 <= value < most:
                raise ValueError(f"{name} must lie in [0, {most}), got {value}")
        if not 0 < smoothness <= 1:
            raise ValueError(f"smoothness must lie in (0, 1], got {smoothness}")
        self.rotation, self.zoom, self.shift, self.flip = rotation, zoom, shift, flip
        self.shear, self.elastic, self.smoothness = shear, elastic, smoothness
        self.whole_pixels = whole_pixels

    def __call__(self, x: Tensor) -> Tensor:
        """Return moved images, `(B, channels, height, width)`."""
        refuse_others("basic", x)
        moving = any((self.rotation, self.zoom, self.shift, self.flip, self.shear))
        if not moving and not self.elastic:
            return x
        real = wide(x)
        bend = displacements(real, self.elastic, self.smoothness) if self.elastic else None
        return narrow(warp(real, self._motions(real), bend), x.dtype)

    def _motions(self, x: Tensor) -> Tensor:
        def draw(most: float) -> Tensor:
            return (2 * torch.rand(len(x), device=x.device) - 1) * most

        angle, size = draw(math.radians(self.rotation)), 1 + draw(self.zoom)
        right, down = draw(2 * self.shift), draw(2 * self.shift)  # the grid spans [-1, 1]
        height, width = x.shape[-2:]
        if self.whole_pixels:
            right, down = rounded(right, width / 2), rounded(down, height / 2)
        mirror = torch.where(torch.rand(len(x), device=x.device) < self.flip, -1.0, 1.0)
        lean = draw(math.radians(self.shear)).tan()
        return motion(angle, size, right, down, mirror, height / width, lean)


def motion(
    angle: Tensor,
    size: Tensor,
    right: Tensor,
    down: Tensor,
    mirror: Tensor,
    aspect: float = 1.0,
    lean: Tensor | None = None,
) -> Tensor:
    """Return where each output pixel comes from, `(B, 2, 3)`, as `affine_grid` wants it.

    An image is shifted first, then mirrored, then sheared, then turned and zoomed.

    Args:
        angle: counter-clockwise, in radians, `(B,)`.
        size: 2 shows the image twice as large, `(B,)`.
        right: shift in half image widths, `(B,)`.
        down: shift in half image heights, `(B,)`.
        mirror: -1 for a horizontal mirror image, else 1, `(B,)`.
        aspect: height over width, so that a rotation stays one in pixels.
        lean: how far a pixel moves to the right for each pixel that it is higher, `(B,)`.
    """
    cos, sin = angle.cos() / size, angle.sin() / size
    lean = torch.zeros_like(angle) if lean is None else lean
    # In pixels from the centre, x to the right and y down: (x, y) came from (x + lean · y, y).
    left, upper = cos + lean * sin, -sin + lean * cos
    across = torch.stack([mirror * left, mirror * upper * aspect, -right], -1)
    along = torch.stack([sin / aspect, cos, -down], -1)
    return torch.stack([across, along], 1)


def rounded(shift: Tensor, pixels: float) -> Tensor:
    """Return shifts, `(B,)`, rounded to whole pixels; so many pixels are a shift of 1."""
    return (shift * pixels).round() / pixels


def warp(x: Tensor, motions: Tensor, bend: Tensor | None = None) -> Tensor:
    """Return `(B, channels, height, width)` sampled where `motions` and `bend` say, 0 outside."""
    grid = F.affine_grid(motions.to(x.dtype), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid if bend is None else grid + bend, align_corners=False)
