"""Mean and standard deviation of inputs that come in pieces, in double precision.

Source: Chan, Golub & LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing
Sample Variances", eq. 2.1, on deviations instead of their squares so that none overflows.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from seedbed.scaling._axes import all_but_channels


class Moments(NamedTuple):
    """What is known of the values of each channel; `(1, C, 1, ...)` each."""

    n: int  # values a channel
    mean: Tensor
    std: Tensor  # biased
    low: Tensor
    high: Tensor
    dtype: torch.dtype  # of the inputs; all else is in double precision


def moments(x: Tensor) -> Moments:
    """Measure `(N, C, ...)`."""
    axes, wide = all_but_channels(x), x.double()
    low, high = wide.amin(axes, keepdim=True), wide.amax(axes, keepdim=True)
    unit = power_of_2(torch.maximum(low.abs(), high.abs()))  # sums near 1 cannot overflow
    mean = (wide / unit).mean(axes, keepdim=True)
    away = wide / unit - mean
    reach = power_of_2(away.abs().amax(axes, keepdim=True))  # nor can squares vanish
    std = (away / reach).square().mean(axes, keepdim=True).sqrt() * reach
    count = x.numel() // x.shape[1]
    return Moments(count, mean * unit, std * unit, low, high, x.dtype)


def power_of_2(size: Tensor) -> Tensor:
    """Return the largest power of 2 up to `size`, by which dividing loses nothing."""
    return torch.exp2(size.frexp().exponent.double() - 1)


def merge(one: Moments, other: Moments) -> Moments:
    """Return the moments of both together."""
    count = one.n + other.n
    share, rest = other.n / count, one.n / count
    gap = other.mean - one.mean
    within = torch.hypot(one.std * rest**0.5, other.std * share**0.5)
    return Moments(
        count,
        one.mean + gap * share,
        torch.hypot(within, gap * (share * rest) ** 0.5),
        torch.minimum(one.low, other.low),
        torch.maximum(one.high, other.high),
        one.dtype,
    )


def constant(found: Moments) -> Tensor:
    """Return which channels hold one value, up to what rounding makes of it; bool."""
    rounding = found.n * torch.finfo(torch.float64).eps * found.mean.abs()
    return (found.low == found.high) | (found.std <= rounding)
