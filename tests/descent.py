"""One parameter, a scripted gradient, and what an optimizer makes of them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from option import build
from torch import Tensor, nn


def walk(
    name: str,
    gradients: Sequence[float] | Callable[[Tensor], Tensor],
    *,
    start: Sequence[float] | float = 0.0,
    steps: int,
    rates: Sequence[float] = (),
    **options: Any,
) -> list[Any]:
    """Return the parameter after every step, in double precision."""
    w = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = build("optimizer", name, params=[w], **options)
    path = []
    for step in range(steps):
        for group in optimizer.param_groups if rates else []:
            group["lr"] = rates[step]
        if callable(gradients):
            w.grad = gradients(w.detach())
        else:
            w.grad = torch.full_like(w, gradients[step % len(gradients)])
        optimizer.step()
        path.append(w.tolist())
    return path


H = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)  # of a quadratic
BEST = torch.tensor([1.0, -2.0], dtype=torch.float64)  # its minimum


def quadratic(w: Tensor) -> Tensor:
    """Return the gradient of ½ (w - BEST)ᵀ H (w - BEST)."""
    return H @ (w - BEST)
