"""What makes a domain of images out of another: rotation, corruptions, photos behind them.

Every image is changed by a pure function of the seed and of its place in its data set, whatever
else is changed with it.  Severities go from 1 to 5; pixels lie in [0, 1].

Source: Hendrycks & Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
and Perturbations", https://arxiv.org/abs/1903.12261 (noise, blur, contrast; severities of noise as
for ImageNet, of contrast as for CIFAR-10); Ganin et al. 2016, "Domain-Adversarial Training of
Neural Networks", https://arxiv.org/abs/1505.07818, section 5.2.4 (photos behind digits: MNIST-M).
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seedbed.randomness import mix

NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation
BLUR = (0.5, 0.75, 1.0, 1.5, 2.0)  # standard deviation in pixels of an image 28 wide
CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)  # share of the contrast that is left
PATCH = 28  # height and width of a photo's part in its pixels

Place = Callable[[int], torch.Generator]


def places(seed: int, first: int) -> Place:
    """Return what makes image k's randomness: `seed` and its place `first` + k are all of it."""
    generator = torch.Generator()  # one for all: making them costs more than seeding

    def at(k: int) -> torch.Generator:
        return generator.manual_seed(mix(seed, first + k))

    return at


def noise(x: Tensor, severity: int, at: Place) -> Tensor:
    """Add Gaussian noise: clip(x + σ ε, 0, 1)."""
    drawn = torch.stack([torch.randn(x.shape[1:], generator=at(k)) for k in range(len(x))])
    return (x + NOISE[severity - 1] * drawn).clamp(0, 1)


def blur(x: Tensor, severity: int, at: Place) -> Tensor:
    """Take Gaussian means of neighbours, σ as a share of the width; what is outside is 0."""
    sigma = BLUR[severity - 1] * x.shape[-1] / 28
    reach = math.ceil(3 * sigma)
    steps = torch.arange(-reach, reach + 1, dtype=x.dtype)
    weights = torch.softmax(-(steps**2) / (2 * sigma**2), 0)
    channels = x.shape[1]
    row = weights.view(1, 1, 1, -1).repeat(channels, 1, 1, 1)
    x = F.conv2d(x, row, padding=(0, reach), groups=channels)
    return F.conv2d(x, row.transpose(2, 3), padding=(reach, 0), groups=channels)


def contrast(x: Tensor, severity: int, at: Place) -> Tensor:
    """Pull pixels to the image's own mean m: m + c (x - m)."""
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + CONTRAST[severity - 1] * (x - mean)


def invert(x: Tensor, severity: int, at: Place) -> Tensor:
    """Go to the negative, a fifth of the way by severity: x + s (1 - 2 x), s = severity / 5."""
    return x + severity / 5 * (1 - 2 * x)


def blend(x: Tensor, severity: int, at: Place) -> Tensor:
    """Put a part p of a photo behind the image: |x - s p|, s = severity / 5."""
    return (x - severity / 5 * patches(len(x), x.shape[1], x.shape[-1], at)).abs()


def rotate(x: Tensor, degrees: int, at: Place) -> Tensor:
    """Turn images counter-clockwise about their centre, bilinearly; what comes in is 0."""
    turns, rest = divmod(degrees, 90)
    x = torch.rot90(x, turns, (2, 3))
    if rest == 0:
        return x
    angle = math.radians(rest)
    cos, sin = math.cos(angle), math.sin(angle)
    matrix = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]]).expand(len(x), 2, 3)
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def patches(count: int, channels: int, size: int, at: Place) -> Tensor:
    """Return random parts of scikit-learn's photos, `(count, channels, size, size)` in [0, 1]."""
    all_of_them = photos()  # (P, 3, H, W)
    kinds, _, height, width = all_of_them.shape
    most = torch.tensor([kinds, height - PATCH + 1, width - PATCH + 1])
    found = []
    for k in range(count):
        drawn = torch.rand(3, generator=at(k), dtype=torch.float64)
        photo, row, column = (drawn * most).long().tolist()
        found.append(all_of_them[photo, :, row : row + PATCH, column : column + PATCH])
    parts = torch.stack(found)
    parts = parts if channels == 3 else parts.mean(1, keepdim=True)
    return F.interpolate(parts, (size, size), mode="area")


@cache
def photos() -> Tensor:
    """Return the sample photos of scikit-learn, `(2, 3, 427, 640)` float32 in [0, 1]."""
    from sklearn.datasets import load_sample_images

    images = np.stack(load_sample_images().images)
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


CORRUPTIONS = {"noise": noise, "blur": blur, "contrast": contrast, "invert": invert}
CHANGES = {**CORRUPTIONS, "blend": blend, "rotate": rotate}


def changed(x: Tensor, change: str, strength: int, seed: int, first: int = 0) -> Tensor:
    """Return images `(N, channels, S, S)` in [0, 1] after a change, float32.

    Args:
        x: images, `(N, channels, S, S)` in [0, 1].
        change: one of `CHANGES`.
        strength: severity from 1 to 5, or degrees of a rotation.
        seed: of all that is random.
        first: place of the first image in its data set.
    """
    parts = [
        CHANGES[change](part, strength, places(seed, first + 4096 * number))
        for number, part in enumerate(x.split(4096))  # or large sets would need their size again
    ]
    return torch.cat(parts)
