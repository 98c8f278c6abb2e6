"""What the first gradients are: their size by layer, and units that get the same one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.preflight._double import whole
from seedbed.task.supervised import Supervised
from seedbed.types import Batch
from seedbed.weight import mixing_modules, sources

SAME = 1e-5  # of the largest value of a column: rows that differ by less are one
ROUNDING = 1e-5  # of the largest gradient of the model, in differences of others


def rms(values: Tensor) -> float:
    """Return the root of the mean square."""
    return float(values.detach().double().square().mean().sqrt())


def called(task: Supervised, probe: Batch) -> list[nn.Module]:
    """Return the mixing layers in the order of their first call."""
    order: list[nn.Module] = []

    def hook(module: nn.Module, *_: Any) -> None:
        if module not in order:
            order.append(module)

    hooks = [m.register_forward_hook(hook) for m in mixing_modules(task.model)]
    try:
        with torch.no_grad():
            task.forward_step(probe)
    finally:
        for each in hooks:
            each.remove()
    return order


def gradients(task: Supervised, probes: Sequence[Batch]) -> dict[str, Any]:
    """Return what `vanishing_gradients` and `symmetry` ask, and which parameters had a gradient."""
    layers = called(task, probes[0])
    ratios: list[float] = []
    moved: set[str] = set()
    twins: dict[str, float] = {}
    names = {id(module): name for name, module in task.model.named_modules()}
    for batch in probes:
        task.zero_grad()
        whole(task.forward_step(batch)).backward()
        moved |= with_gradient(task)
        pulls = [sources(layer)[0].grad for layer in layers]
        found = [rms(pull) for pull in pulls if pull is not None]
        if found and pulls[0] is not None:
            ratios.append(found[0] / found[-1] if found[-1] else float("nan"))
        floor = ROUNDING * max((float(p.abs().max()) for p in pulls if p is not None), default=0.0)
        twins = twins or {
            names[id(layer)]: copies(layer, floor) for layer in layers if len(sources(layer)[0]) > 1
        }
    task.zero_grad()
    return {"gradient_ratio": reason(layers) or ratios, "twins": twins, "moved": moved}


def reason(layers: Sequence[nn.Module]) -> str:
    """Return why the gradients of the first step say nothing about depth, if so."""
    if not layers:
        return "no linear or convolutional layer"
    if not sources(layers[0])[0].requires_grad:
        return "the first layer is frozen"
    if not sources(layers[-1])[0].any():
        return "the last layer starts at 0, through which no gradient passes in the first step"
    return ""


def with_gradient(task: Supervised) -> set[str]:
    """Return the names of the parameters whose gradient is not 0."""
    return {
        name for name, p in task.named_parameters() if p.grad is not None and bool(p.grad.any())
    }


def copies(layer: nn.Module, floor: float) -> float:
    """Return the share of units that are an earlier one: weights, bias and their gradients alike.

    Rows that are equal but for rounding count when all are.

    Args:
        layer: after a backward pass.
        floor: differences of gradients that are rounding; where the units of the next layer are
            alike, too, gradients cancel and nothing but rounding is left of them.
    """
    weight, bias = sources(layer)[0], getattr(layer, "bias", None)
    if "Transpose" in type(layer).__name__ or weight.grad is None:
        return 0.0
    own, pulls = [weight], [weight.grad]
    if isinstance(bias, Tensor) and len(bias) == len(weight):
        own, pulls = [*own, bias], [*pulls, bias.grad]
    values, gradients = as_rows(own), as_rows(pulls)
    if one(values, 0.0) and one(gradients, floor):
        return 1 - 1 / len(values)
    return 1 - len(torch.cat([values, gradients], 1).unique(dim=0)) / len(values)


def as_rows(parts: Sequence[Tensor | None]) -> Tensor:
    """Return what belongs to each unit, `(units, n)`."""
    known = [p.detach() for p in parts if p is not None]
    return torch.cat([p.flatten(1) if p.dim() > 1 else p[:, None] for p in known], 1)


def one(rows: Tensor, floor: float) -> bool:
    """Return whether all rows are the same but for rounding."""
    size = rows.abs().amax(0)
    return bool(((rows - rows[:1]).abs() <= (SAME * size).clamp(min=floor)).all())
