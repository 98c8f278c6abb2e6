"""Activations by name."""

from typing import Literal

from torch import nn

Activation = Literal["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"]

_BY_NAME: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activation_of(name: Activation) -> nn.Module:
    """Return a new module for `name`.

    Raises:
        ValueError: there is no activation of that name.
    """
    if name not in _BY_NAME:
        raise ValueError(f"activation must be one of {', '.join(_BY_NAME)}, got {name!r}")
    return _BY_NAME[name]()
