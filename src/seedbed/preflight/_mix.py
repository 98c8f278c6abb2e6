"""How well the batches of training mix targets: the entropy of their labels."""

from typing import Any

import torch
from torch import Tensor

from seedbed.preflight._supply import Supply
from seedbed.types import Kind

FIRST = 100  # batches
PERMUTATIONS = 50
LEAST = 16  # targets of a window: in a batch of 2, every order looks the same
BINS = 10  # of real targets


def labels_of(y: Tensor, kind: Kind) -> Tensor:
    """Return a class for each of N targets, `(N,)` int64: real ones by tenths of their order."""
    if kind == "class":
        return (y.argmax(1) if y.dim() > 1 else y).long()
    values = y.flatten(1)[:, 0] if y.dim() > 1 else y
    ranks = values.unique(return_inverse=True)[1]
    return ranks * BINS // (int(ranks.max()) + 1)


def entropy(windows: Tensor, classes: int) -> Tensor:
    """Return the entropy of the labels of each row, in nats, `(..., M)` of `(..., M, W)`."""
    counts = torch.zeros(*windows.shape[:-1], classes)
    counts.scatter_add_(-1, windows, torch.ones(windows.shape))
    shares = counts / windows.shape[-1]
    return -torch.special.xlogy(shares, shares).sum(-1)


def mix(order: Tensor, every: Tensor, window: int) -> dict[str, float]:
    """Return the fact `order` of `unshuffled`.

    Args:
        order: labels in the order in which training sees them, `(n,)`.
        every: labels of all training examples, `(N,)`.
        window: labels of a batch.
    """
    known = every.unique(return_inverse=True)[1]
    classes = int(known.max()) + 1
    place = {int(label): at for at, label in enumerate(every.unique())}
    seen = torch.tensor([place[int(label)] for label in order])
    rows = max(1, len(seen) // window)
    window = min(window, len(seen))
    own = entropy(seen[: rows * window].view(rows, window), classes).mean()
    g = torch.Generator().manual_seed(0)
    chance = torch.stack(
        [
            entropy(known[draw(len(known), rows * window, g)].view(rows, window), classes).mean()
            for _ in range(PERMUTATIONS)
        ]
    )
    return {
        "entropy": float(own),
        "chance": float(chance.mean()),
        "spread": float(chance.std()),
        "batches": rows,
    }


def draw(n: int, count: int, g: torch.Generator) -> Tensor:
    """Return `count` of n places at random, each once before any is repeated."""
    rounds = [torch.randperm(n, generator=g) for _ in range(-(-count // n))]
    return torch.cat(rounds)[:count]


def facts(supply: Supply) -> dict[str, Any]:
    """Return how the first batches mix targets."""
    spec = supply.spec
    if spec.episode:
        return {"order": "episodes are drawn anew, each with all of its classes"}
    every = labels_of(supply.targets("train"), spec.kind)
    batches = [y for y, _ in zip(supply.orders(), range(FIRST), strict=False)]
    if len(batches) == 1 and len(batches[0]) == len(every):
        return {"order": "every batch is the whole training split"}
    lookup = supply.targets("train")
    order = torch.cat(batches)
    real = spec.kind == "value"
    seen = of_values(order, lookup, every) if real else labels_of(order, spec.kind)
    return {"order": mix(seen, every, max(LEAST, len(batches[0])))}


def of_values(order: Tensor, y: Tensor, labels: Tensor) -> Tensor:
    """Return the labels of real targets by those that the same values have in the split."""
    first, here = (t.flatten(1)[:, 0] if t.dim() > 1 else t for t in (y, order))
    sorted_values, at = first.sort()
    places = torch.searchsorted(sorted_values, here.contiguous()).clamp(max=len(at) - 1)
    return labels[at[places]]
