"""Filling weights by the type of their module."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from seedbed.weight import mixing_modules


def fill(model: nn.Module, write: Callable[[Tensor], Any]) -> None:
    """Call `write` on every weight of a linear or convolutional layer and zero its bias."""
    for module in mixing_modules(model):
        for name, parameter in module.named_parameters(recurse=False):
            if name == "bias":
                nn.init.zeros_(parameter)
            else:
                write(parameter)
