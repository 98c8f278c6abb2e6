"""Unstructured pruning: which weights become 0, how many at a time, and training in between.

Source: Zhu & Gupta 2017, "To Prune, or Not to Prune: Exploring the Efficacy of Pruning for Model
Compression", eq. 1, https://arxiv.org/abs/1710.01878.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf
from typing import Literal

import torch
from torch import Tensor, nn

from seedbed.compress._workbench import Workbench
from seedbed.nearest import nearest
from seedbed.randomness import mix
from seedbed.weight import weighted_modules

Weights = dict[str, nn.Parameter]
"""The weights of layers by the layers' names."""

Score = Callable[[nn.Module, Weights, Workbench, int], dict[str, Tensor]]
"""`(net, weights, bench, step)`: what each weight is worth, in its shape; the lowest go first."""

Scope = Literal["global", "layer"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is pruned, and in how many steps.

    Args:
        sparsity: share of the weights that are 0 in the end, in (0, 1).
        scope: `global` ranks the weights of all layers together, `layer` those of each by itself.
        steps: in which the sparsity is reached, >= 1.
        epochs: of fine-tuning after each of them, >= 0.
        rate: factor on the run's learning rate, > 0.
        exclude: names of layers that stay dense, or patterns of them.
        max_drop: validation points that may be lost, >= 0.

    Raises:
        ValueError: an argument outside its range.
    """

    sparsity: float
    scope: Scope
    steps: int
    epochs: int
    rate: float
    exclude: Sequence[str]
    max_drop: float

    def __post_init__(self) -> None:
        if not 0 < self.sparsity < 1:
            raise ValueError(f"sparsity must lie in (0, 1), got {self.sparsity}")
        if self.scope not in Scope.__args__:
            raise ValueError(
                f"scope must be one of {', '.join(Scope.__args__)}, got {self.scope!r}"
            )
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        if self.epochs < 0:
            raise ValueError(f"epochs must be at least 0, got {self.epochs}")
        if not 0 < self.rate < inf:
            raise ValueError(f"rate must be positive and finite, got {self.rate}")
        if isinstance(self.exclude, str) or not all(isinstance(each, str) for each in self.exclude):
            raise ValueError(f"exclude must be a list of names, got {self.exclude!r}")
        if not self.max_drop >= 0:
            raise ValueError(f"max_drop must be at least 0, got {self.max_drop}")


def prunable(net: nn.Module, exclude: Sequence[str]) -> Weights:
    """Return the weights of linear and convolutional layers but those whose name is excluded.

    A pattern has to fit a whole name (`model.body.1`), or what follows one of its dots (`head`).

    Raises:
        ValueError: a pattern fits no layer, or nothing is left.
    """
    names = {id(module): name for name, module in net.named_modules()}
    found = {names[id(layer)]: layer.get_parameter("weight") for layer in weighted_modules(net)}
    if not found:
        raise ValueError("there is no linear or convolutional layer to prune")
    kept = found
    for pattern in exclude:
        fits = {name for name in found if fnmatchcase(f".{name}", f"*.{pattern}")}
        if not fits:
            raise ValueError(
                f"exclude: {pattern!r} fits no linear or convolutional layer; "
                f"{nearest(pattern, found)}"
            )
        kept = {name: weight for name, weight in kept.items() if name not in fits}
    if not kept:
        raise ValueError("exclude leaves no layer to prune")
    return kept


def zeros(weights: Weights) -> int:
    """Return how many weights are exactly 0."""
    return sum(int((weight == 0).sum()) for weight in weights.values())


def total(weights: Weights) -> int:
    """Return how many weights there are."""
    return sum(weight.numel() for weight in weights.values())


def scheduled(start: int, end: int, step: int, steps: int) -> int:
    """Return how many weights are 0 after a step, from 1: many at first, ever fewer later on."""
    return round(end + (start - end) * (1 - step / steps) ** 3)


def refuse_broken(scores: dict[str, Tensor]) -> None:
    """Raise a ValueError if the model has nothing to be ranked by."""
    for name, score in scores.items():
        if not score.isfinite().all():
            raise ValueError(f"what the weights of {name} are worth is not finite")


def lowest(scores: Sequence[Tensor], count: int) -> list[Tensor]:
    """Return masks of the `count` lowest scores of all; of equal ones the first."""
    flat = torch.cat([each.flatten() for each in scores])
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask[flat.sort(stable=True).indices[:count]] = True
    parts = mask.split([each.numel() for each in scores])
    return [part.view_as(each) for part, each in zip(parts, scores, strict=True)]


@torch.no_grad()
def prune(weights: Weights, scores: dict[str, Tensor], count: int) -> list[str]:
    """Set the lowest to 0, so that `count` are; return the layers that would have lost all.

    What is 0 already stays so and counts.  No layer loses its best weight: nothing would get
    through any more, no gradient either, and no training could repair it.

    """
    left = [scores[name].masked_fill(weight == 0, -inf) for name, weight in weights.items()]
    alive = [bool(weight.any()) for weight in weights.values()]
    count, saved = min(count, total(weights) - sum(alive)), []
    while True:
        masks = lowest(left, count)
        empty = [k for k, mask in enumerate(masks) if alive[k] and bool(mask.all())]
        if not empty:
            break
        for k in empty:
            flat = left[k].view(-1)
            flat[len(flat) - 1 - flat.flip(0).argmax()] = inf  # of equal ones the last
        saved += empty
    for weight, mask in zip(weights.values(), masks, strict=True):
        weight.masked_fill_(mask, 0)
    return [list(weights)[k] for k in saved]


def sparsified(net: nn.Module, bench: Workbench, plan: Plan, score: Score) -> nn.Module:
    """Return `net` with the plan's share of zeros, trained after each step.

    Raises:
        ValueError: the plan does not go with the model.
    """
    weights = prunable(net, plan.exclude)
    pools = [weights] if plan.scope == "global" else [{n: w} for n, w in weights.items()]
    starts = [zeros(pool) for pool in pools]
    ends = [round(plan.sparsity * total(pool)) for pool in pools]
    if all(end <= start for start, end in zip(starts, ends, strict=True)):
        raise ValueError(
            f"sparsity={plan.sparsity:g} prunes nothing: of {total(weights)} weights "
            f"{sum(starts)} are 0 already"
        )
    told: set[str] = set()
    for step in range(1, plan.steps + 1):
        scores = score(net, weights, bench, step)
        refuse_broken(scores)
        for pool, start, end in zip(pools, starts, ends, strict=True):
            count = scheduled(start, max(start, end), step, plan.steps)
            saved = set(prune(pool, {name: scores[name] for name in pool}, count)) - told
            for name in sorted(saved):
                bench.tell(
                    f"{name} would lose all its weights and keeps its best one; scope=layer prunes "
                    f"all layers alike, exclude=[{name}] leaves it whole"
                )
            told |= saved
        bench.tune(net, None, plan.epochs, plan.rate)
    return net


def at_random(net: nn.Module, weights: Weights, bench: Workbench, step: int) -> dict[str, Tensor]:
    """Return scores that say nothing: the control of all others."""
    generator = torch.Generator().manual_seed(mix(bench.seed, 6, step))
    return {
        name: torch.rand(weight.shape, generator=generator).to(weight.device)
        for name, weight in weights.items()
    }
