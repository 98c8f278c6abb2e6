"""Which labels the nearest other examples do not share."""

from typing import Any

import torch
from torch import Tensor

from seedbed.types import Batch, Kind

NEAR = 10  # neighbours
WIDEST = 4_096  # numbers of an input; of more, evenly chosen ones stand for all
PERMUTATIONS = 50
SHOWN = 12


def nearest(x: Tensor, k: int) -> Tensor:
    """Return the k nearest others of each row, `(n, k)` int64."""
    apart = torch.cdist(x, x)
    apart.fill_diagonal_(torch.inf)
    return apart.topk(k, largest=False).indices


def agreement(y: Tensor, near: Tensor, kind: Kind) -> Tensor:
    """Return how well each target goes with those of its neighbours, `(n,)`, more is better.

    The share of neighbours of the same class, or minus the squared gap to their mean.
    """
    if kind == "class":
        return (y[near] == y[:, None]).double().mean(1)
    return -(y[near].mean(1) - y).square().flatten(1).mean(1)


def suspects(y: Tensor, near: Tensor, kind: Kind) -> tuple[Tensor, Tensor, float]:
    """Return the order of suspicion, what the neighbours say, and the share that they outvote."""
    own = agreement(y, near, kind)
    if kind == "value":
        return own.argsort(stable=True), y[near].mean(1), 0.0
    votes = torch.nn.functional.one_hot(y[near], int(y.max()) + 1).sum(1)  # (n, C)
    most, said = votes.max(1)
    margin = own - most.double() / near.shape[1]
    order = margin.argsort(stable=True)
    return order, said, float((margin < 0).double().mean())


def alone(y: Tensor, near: Tensor) -> tuple[float, float]:
    """Return the share of examples without friends, and of those that a majority disowns.

    Without friends is an example of whose class at most one neighbour in ten is; disowned it is if
    half of its neighbours or more are of one other class.
    """
    votes = torch.nn.functional.one_hot(y[near], int(y.max()) + 1).sum(1)  # (n, C)
    own = votes.gather(1, y[:, None])[:, 0]
    few = own * NEAR <= near.shape[1]
    much = votes.amax(1) * 2 >= near.shape[1]
    return float(few.double().mean()), float((few & much).double().mean())


def facts(batch: Batch, places: Tensor, kind: Kind) -> dict[str, Any]:
    """Return the fact `neighbours` of `label_issues`.

    Args:
        batch: training examples as the net sees them.
        places: their indices in the training split.
        kind: of the targets.
    """
    known = batch.y >= 0 if kind == "class" else torch.ones(len(batch.y), dtype=torch.bool)
    x, y, places = batch.x[known].flatten(1).float(), batch.y[known], places[known]
    finite = torch.isfinite(x).all(1)
    x, y, places = x[finite], y[finite], places[finite]
    x = x[:, :: max(1, -(-x.shape[1] // WIDEST))]
    middle, spread = 0.0, 1.0
    if kind == "value":
        y = y.double()
        middle, spread = y.mean(0), y.std(0).clamp(min=1e-300)
        y = (y - middle) / spread
    k = min(NEAR, len(y) - 1)
    if k < 1:
        return {"unmeasured": {"label_issues": "too few examples with a known label"}}
    near = nearest(x, k)
    g = torch.Generator().manual_seed(0)
    shuffled = [y[torch.randperm(len(y), generator=g)] for _ in range(PERMUTATIONS)]
    chance = torch.stack([agreement(each, near, kind).mean() for each in shuffled])
    order, said, disagree = suspects(y, near, kind)
    friendless, disowned = alone(y, near) if kind == "class" else (0.0, 0.0)
    first = order[:SHOWN]
    if kind == "value":
        said = said * spread + middle
    return {
        "neighbours": {
            "n": len(y),
            "agreement": float(agreement(y, near, kind).mean()),
            "chance": float(chance.mean()),
            "spread": float(chance.std()),
            "disagree": disagree,
            "friendless": friendless,
            "disowned": disowned,
            "issues": places[first].tolist(),
            "said": said[first].tolist(),
        }
    }
