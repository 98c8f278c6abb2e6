"""Which parameters are weights: matrices and kernels, told by the type of their module.

Never by the number of dimensions: a norm layer's scale can have as many as a kernel.
"""

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import is_parametrized

MIXING = (nn.Linear, nn.Bilinear, _ConvNd)


def mixing_modules(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules that mix their inputs by a weight: linear and convolutional layers."""
    return (module for module in model.modules() if isinstance(module, MIXING))


def weighted_modules(model: nn.Module) -> list[nn.Module]:
    """Return the modules whose weight is trained; one of those that share a weight."""
    found = {
        id(sources(module)[0]): module
        for module in reversed(list(mixing_modules(model)))
        if any(p.requires_grad for p in sources(module))
    }
    return list(reversed(found.values()))


def weights(model: nn.Module) -> list[Tensor]:
    """Return the trained weights as the layers use them, without biases and norm layers.

    Under weight norm that is its product, `magnitude · direction`, through which gradients flow.
    """
    return [cast(Tensor, module.weight) for module in weighted_modules(model)]


def parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that are weights or directions of weights, frozen ones too."""
    found = {id(p): p for module in mixing_modules(model) for p in sources(module)}
    return list(found.values())


def sources(module: nn.Module) -> list[nn.Parameter]:
    """Return what a layer's weight is made of; of weight norm the direction, not the magnitude."""
    if not is_parametrized(module, "weight"):
        return [module.get_parameter("weight")]
    made_of = list(cast(Any, module).parametrizations["weight"].parameters(recurse=False))
    return [max(made_of, key=Tensor.numel)]


@torch.no_grad()
def set_weight(module: nn.Module, value: Tensor) -> None:
    """Make `value` the weight that a layer uses, under weight norm too."""
    if not is_parametrized(module, "weight"):
        module.get_parameter("weight").copy_(value)
        return
    direction = sources(module)[0]
    before = direction.clone()
    module.weight = value
    # A weight of zeros has no direction: with the old one, magnitude 0 gives 0 instead of NaN.
    axes = tuple(range(1, direction.dim()))
    direction.copy_(torch.where(value.to(direction).abs().amax(axes, True) > 0, direction, before))
