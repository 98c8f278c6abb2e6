"""What channels are worth: a score `(C,)` of each channel of a family, float64.

On the CPU in double precision and in one order, so that all processes of a run find the same.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from seedbed.compress._family import Family
from seedbed.compress._gate import gated
from seedbed.compress._graph import Place
from seedbed.compress._width import NORMS, blocks, depthwise, held, mixes, width
from seedbed.randomness import permutation
from seedbed.types import Batch

Loss = Callable[[Tensor, Tensor], Tensor]


def by_nothing(found: Sequence[Family], seed: int) -> list[Tensor]:
    """Return an order of the channels that has nothing to do with the model."""
    return [permutation(len(f.made), seed, 6, i).double() for i, f in enumerate(found)]


def by_magnitude(net: nn.Module, found: Sequence[Family]) -> list[Tensor]:
    """Return Σw² over the weights of a channel in all the layers that it passes; biases are none.

    A channel's weights are those that make it, those that read it, and the scales of norms.
    """
    scores = []
    for family in found:
        score = torch.zeros(len(family.made), dtype=torch.float64)
        for reach in family.reaches:
            values = squares(net, reach.place)
            score.index_add_(0, reach.channels, values[reach.entries])
        scores.append(score)
    return scores


def squares(net: nn.Module, place: Place) -> Tensor:
    """Return Σw² of each entry of a layer's side, `(W,)`; 0 where it has no weights."""
    name, side = place
    module = net.get_submodule(name)
    if "weight" not in held(module, side) or not (
        mixes(module) or depthwise(module) or isinstance(module, NORMS)
    ):
        return torch.zeros(width(module, side), dtype=torch.float64)
    weight = module.get_parameter("weight").detach().cpu().double().square()
    dim, groups = held(module, side)["weight"], blocks(module)
    if side == "in" and groups > 1:  # (O, I/groups, ...): each group of outputs reads its own
        weight = weight.unflatten(0, (groups, -1)).flatten(3).sum((1, 3))
        return weight.flatten()
    return weight.movedim(dim, 0).flatten(1).sum(1) if weight.dim() > 1 else weight


def by_fisher(
    net: nn.Module, found: Sequence[Family], batches: Iterable[Batch], loss: Loss
) -> list[Tensor]:
    """Return ½·mean over examples of (∂L/∂m)², m being a factor on a channel where it is read.

    Args:
        net: raw inputs to outputs, in eval mode: no example may change another's outputs.
        found: the families.
        batches: examples and their targets.
        loss: outputs and targets to the mean loss.
    """
    readers = sorted({r.place[0] for f in found for r in f.reaches if r.place[1] == "in"})
    scores = [torch.zeros(len(family.made), dtype=torch.float64) for family in found]
    count = 0
    for batch in batches:
        grads = of_masks(net, readers, batch, loss)
        for family, score in zip(found, scores, strict=True):
            slope = torch.zeros(len(batch.x), len(family.made), dtype=torch.float64)
            for reach in family.reaches:
                if reach.place[1] == "in":
                    slope.index_add_(1, reach.channels, grads[reach.place[0]][:, reach.entries])
            score.add_(slope.square().sum(0), alpha=0.5)
        count += len(batch.x)
    return [score / count for score in scores]


def of_masks(net: nn.Module, readers: Sequence[str], batch: Batch, loss: Loss) -> dict[str, Tensor]:
    """Return each example's gradient by a factor on every channel that a layer reads, `(B, W)`."""
    masks = {
        name: torch.ones(
            len(batch.x),
            width(net.get_submodule(name), "in"),
            dtype=net.get_submodule(name).get_parameter("weight").dtype,
            device=batch.x.device,
            requires_grad=True,
        )
        for name in readers
    }
    with torch.backends.cudnn.flags(enabled=True, deterministic=True), gated(net, masks):
        mean = loss(net(batch.x), batch.y)
        grads = torch.autograd.grad(mean * len(batch.x), list(masks.values()))
    return {name: g.cpu().double() for name, g in zip(masks, grads, strict=True)}
