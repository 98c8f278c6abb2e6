"""What a model's head sees: the features that its body has learned."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.types import Spec


def head_of(model: nn.Module) -> nn.Module:
    """Return the last layer of a model, which every model here calls `head`.

    Args:
        model: one with a `head`, or a net whose `model` has one.

    Raises:
        ValueError: there is none of that name.
    """
    inner: Any = getattr(model, "model", model)
    head = getattr(inner, "head", None)
    if not isinstance(head, nn.Module):
        raise ValueError(
            f"{type(inner).__name__} has no layer named 'head', whose inputs are asked"
        )
    return head


@contextmanager
def watched(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what the head is given while the context lasts, `(B, F)` a forward pass."""
    seen: list[Tensor] = []

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].flatten(1))

    hook = head_of(model).register_forward_pre_hook(look)
    try:
        yield seen
    finally:
        hook.remove()


def width_of(model: nn.Module, spec: Spec) -> int:
    """Return how many features the head of a model sees, F."""
    like = next(iter(model.parameters()))
    x = torch.zeros(2, *spec.shape, dtype=like.dtype, device=like.device)
    modes = {module: module.training for module in model.modules()}
    try:
        with watched(model.eval()) as seen, torch.no_grad():
            model(x)
    finally:
        for module, mode in modes.items():
            module.training = mode
    return seen[0].shape[1]
