"""Switches on the channels that layers read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


def fitted(mask: Tensor, module: nn.Module, x: Tensor) -> Tensor:
    """Return a mask `(B, C)` or `(1, C)` in the shape of what a layer reads."""
    between = [1] * (x.dim() - 2)
    rows, channels = mask.shape
    shape = (
        [rows, *between, channels] if isinstance(module, nn.Linear) else [rows, channels, *between]
    )
    return mask.view(shape)


@contextmanager
def gated(net: nn.Module, masks: Mapping[str, Tensor]) -> Iterator[None]:
    """Multiply what some layers read by a mask a channel, for as long as the context lasts.

    Args:
        net: the model.
        masks: linear and convolutional layers by name, and `(B, C)` or `(1, C)` factors of each.
    """

    def gate(mask: Tensor) -> Any:
        return lambda module, inputs: (inputs[0] * fitted(mask, module, inputs[0]), *inputs[1:])

    hooks = [
        net.get_submodule(name).register_forward_pre_hook(gate(mask))
        for name, mask in masks.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
