"""What every optimizer of our own needs: its arguments checked, its parameters collected."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]


def check_positive(**values: float) -> None:
    """Refuse negative, infinite and undefined values.

    Raises:
        ValueError: one of them is.
    """
    for name, value in values.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} must lie in [0, inf), got {value}")


def check_shares(**values: float) -> None:
    """Refuse values that are no share of the past to keep.

    Raises:
        ValueError: one lies outside [0, 1).
    """
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} must lie in [0, 1), got {value}")


def evaluate(closure: Closure | None) -> Any:
    """Return the loss of a closure that runs forward and backward, None without one."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def trained(group: Mapping[str, Any]) -> list[Tensor]:
    """Return the parameters of a group that have a gradient.

    Raises:
        RuntimeError: a gradient is sparse, or complex.
    """
    found: list[Any] = [p for p in group["params"] if p.grad is not None]
    if any(p.grad.is_sparse or p.is_complex() for p in found):
        raise RuntimeError("this optimizer takes dense and real gradients only")
    return found
