"""Removal of channels, and the proof that it removes what it should."""

import copy
import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from seedbed.compress._family import Family
from seedbed.compress._gate import gated
from seedbed.compress._graph import Place
from seedbed.compress._width import mixes, narrow, width


def staying(size: int, ratio: float, round_to: int, bins: int, least: int) -> int:
    """Return how many of `size` channels stay.

    Args:
        size: at least 1.
        ratio: share that goes, in (0, 1).
        round_to: what the number that stays is a multiple of, the nearest, of two the lower;
            where `size` is less than twice that, every number will do.
        bins: that must stay equally large.
        least: channels of each.
    """
    step = math.lcm(round_to, bins)
    if size < 2 * step:
        step = bins
    steps = math.ceil(round(size * (1 - ratio) / step, 9) - 0.5)
    return min(size, max(steps * step, step, bins * least))


def weakest(family: Family, score: Tensor, ratio: float, round_to: int) -> Tensor:
    """Return the channels that go, those of the lowest scores in each bin, ascending."""
    bins, size = int(family.bins.max()) + 1, len(family.made)
    number = (size - staying(size, ratio, round_to, bins, family.least)) // bins
    order = torch.sort(score, stable=True).indices
    return torch.cat([order[family.bins[order] == b][:number] for b in range(bins)]).sort().values


def joined(pieces: Iterable[Mapping[Place, Tensor]]) -> dict[Place, Tensor]:
    """Return all entries that go from each place, ascending."""
    found: dict[Place, list[Tensor]] = {}
    for piece in pieces:
        for place, entries in piece.items():
            found.setdefault(place, []).append(entries)
    return {place: torch.cat(entries).unique() for place, entries in found.items()}


def cut(net: nn.Module, removed: Mapping[Place, Tensor]) -> None:
    """Take entries out of a model's layers."""
    for (name, side), entries in removed.items():
        module = net.get_submodule(name)
        if len(entries):
            every = torch.arange(width(module, side))
            narrow(module, side, every[~torch.isin(every, entries)])


class Affine(nn.Module):
    """The scales and shifts of a norm whose statistics are over several channels, without those.

    Args:
        norm: layer or group norm.
    """

    def __init__(self, norm: nn.LayerNorm | nn.GroupNorm) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.last = isinstance(norm, nn.LayerNorm)

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift `(B, C, ...)`, or `(..., C)` after layer norm."""
        for vector, apply in ((self.weight, torch.mul), (self.bias, torch.add)):
            if vector is not None:
                shape = vector.shape if self.last else (-1, *[1] * (x.dim() - 2))
                x = apply(x, vector.view(shape))
        return x


def plain(net: nn.Module) -> nn.Module:
    """Return a copy on the CPU, in double precision, in which no channel depends on another."""
    net = copy.deepcopy(net).cpu().double().eval()
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.LayerNorm | nn.GroupNorm):
                setattr(parent, name, Affine(child))
    return net


@torch.no_grad()
def true(net: nn.Module, removed: Mapping[Place, Tensor], x: Tensor) -> bool:
    """Return whether a model without some channels does what it does if nobody reads them.

    Layer and group norm are left out on both sides, since their statistics change rightly.

    Args:
        net: stays as it is.
        removed: entries that go from the sides of its layers.
        x: raw inputs.
    """
    inputs = x.cpu().double() if x.is_floating_point() or x.dtype == torch.uint8 else x.cpu()
    masks = {}
    for (name, side), entries in removed.items():
        module = net.get_submodule(name)
        if side == "in" and mixes(module):
            masks[name] = torch.ones(1, width(module, side), dtype=torch.float64)
            masks[name][:, entries] = 0
    small = copy.deepcopy(net)
    cut(small, removed)
    whole = plain(net)
    with gated(whole, masks):
        expected = whole(inputs)
    try:
        found = plain(small)(inputs)
    except (RuntimeError, ValueError, IndexError):  # widths that do not fit
        return False
    scale = expected.abs().max().item()
    return found.shape == expected.shape and bool(
        torch.allclose(found, expected, rtol=1e-6, atol=1e-9 * scale, equal_nan=True)
    )


def refuse_untrue(net: nn.Module, pieces: Mapping[str, Mapping[Place, Tensor]], x: Tensor) -> None:
    """Refuse a removal that would change more than what the channels contribute.

    Args:
        net: the model.
        pieces: what goes, by the name of the layer that makes it.
        x: raw inputs.

    Raises:
        ValueError: it does; the message names the layers.
    """
    if true(net, joined(pieces.values()), x):
        return
    wrong = [name for name, piece in pieces.items() if not true(net, piece, x)] or list(pieces)
    raise ValueError(
        f"the outputs of {', '.join(wrong)} are used in a way that torch-pruning cannot follow; "
        f"exclude=[{','.join(wrong)}] leaves them as they are"
    )
