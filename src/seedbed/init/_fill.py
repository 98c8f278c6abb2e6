"""Filling weights by the type of their module."""

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from seedbed.weight import mixing_modules, set_weight

Draw = Callable[[Tensor, int, int], object]
"""Overwrites a weight, given n_in and n_out."""


def fill(model: nn.Module, draw: Draw) -> None:
    """Draw the weight of every linear or convolutional layer anew and zero its bias.

    The weight is drawn outside the layer and then assigned, so that under weight norm magnitude
    and direction are those of the drawn weight.
    """
    for module in mixing_modules(model):
        fresh = torch.empty_like(cast(Tensor, module.weight), requires_grad=False)
        draw(fresh, *fans(module, fresh))
        set_weight(module, fresh)
        if isinstance(module.bias, nn.Parameter):
            nn.init.zeros_(module.bias)


def fans(module: nn.Module, weight: Tensor) -> tuple[int, int]:
    """Return how many inputs an output sums, n_in, and how many outputs an input goes to, n_out.

    Of a convolution of stride 1, away from the borders; groups are connected to themselves only.
    """
    field = math.prod(weight.shape[2:])
    groups = getattr(module, "groups", 1)
    if isinstance(module, _ConvTransposeNd):  # (c_in, c_out / groups, kernel)
        return weight.shape[0] // groups * field, weight.shape[1] * field
    if isinstance(module, nn.Bilinear):  # (d_out, d_1, d_2): an output sums every product
        return weight.shape[1] * weight.shape[2], weight.shape[0]
    return weight.shape[1] * field, weight.shape[0] // groups * field
