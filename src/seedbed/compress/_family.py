"""Channels that can only be removed together, in every layer that they pass."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

from seedbed.compress._graph import Graph, Place
from seedbed.compress._width import blocks, depthwise, held, width


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the channels of a family lie in one side of a layer."""

    place: Place
    entries: Tensor  # (E,) int64, in the layer
    channels: Tensor  # (E,) int64: the channel of the family that each belongs to


@dataclass(frozen=True, slots=True)
class Family:
    """C channels, each of which is removed in all its places at once."""

    name: str  # of the layer that makes them
    made: Tensor  # (C,) int64: which of its outputs they are
    reaches: tuple[Reach, ...]
    bins: Tensor  # (C,) int64: equally many are removed of each bin
    least: int  # channels of each bin that must stay

    def removed(self, channels: Tensor) -> dict[Place, Tensor]:
        """Return the entries that go with some channels."""
        return {r.place: r.entries[torch.isin(r.channels, channels)] for r in self.reaches}


def families(graph: Graph, alone: set[str]) -> tuple[list[Family], dict[str, str]]:
    """Return what can be removed, and of what cannot, why.

    The layers that make the model's outputs are left out.

    Args:
        graph: of the model.
        alone: names of layers that keep their outputs.
    """
    found: list[Family] = []
    kept: dict[str, str] = {}
    for group in graph.groups:
        items = [(item.dep.target.module, graph.side(item)) for item in group]
        makers = {module for module, side in items if side == "out"}
        if makers & graph.heads or alone & {graph.names.get(module, "") for module in makers}:
            continue
        name = graph.names[items[0][0]]
        try:
            refuse(graph, [module for module, _ in items])
            found += split(graph, name, group)
        except ValueError as error:
            kept[name] = str(error)
    return found, kept


def refuse(graph: Graph, modules: list[Any]) -> None:
    """Refuse channels that pass what cannot be made narrower.

    Raises:
        ValueError: there is such a layer; the message is what comes after the maker's name.
    """
    owners = Counter(id(p) for m in graph.net.modules() for p in m.parameters(recurse=False))
    if graph.entry in modules:
        raise ValueError("is added to the inputs or joined with them")
    for module in modules:
        if isinstance(module, nn.Parameter):
            raise ValueError("meets a parameter that belongs to no layer")
        if graph.is_output(module):
            raise ValueError("is part of the outputs")
        if name := graph.names.get(module):
            kind = f"{name} ({type(module).__name__})"
            if any(owners[id(p)] > 1 for p in module.parameters(recurse=False)):
                raise ValueError(f"meets {kind}, which shares its weights")
            if not narrowable(module):
                raise ValueError(f"meets {kind}, which cannot be made narrower")


def narrowable(module: nn.Module) -> bool:
    """Return whether a layer can be narrowed, and its checkpoint then tells by how much."""
    if isinstance(module, _ConvNd) and not depthwise(module):
        strange = 1 < module.groups == module.out_channels  # traced as if it were depthwise
        return bool(held(module, "out")) and not strange
    if isinstance(module, nn.LayerNorm | _InstanceNorm):
        return bool(held(module, "out"))
    return isinstance(module, nn.Linear | nn.PReLU | _ConvNd | _BatchNorm | nn.GroupNorm)


def split(graph: Graph, name: str, group: Any) -> Iterator[Family]:
    """Yield the families of a group: channels that go the same way.

    Where layers are joined, or their outputs parted, some channels go another way than others;
    each way is a family, so that no layer is left without channels.

    Raises:
        ValueError: they cannot be removed in equal shares.
    """
    reaches = [
        Reach(place, torch.tensor(entries), torch.tensor(channels))
        for place, (entries, channels) in graph.places(group).items()
    ]
    size = width(graph.net.get_submodule(name), "out")
    ways = torch.stack([torch.isin(torch.arange(size), r.channels) for r in reaches], 1)
    _, way = ways.unique(dim=0, return_inverse=True)
    for each in range(int(way.max()) + 1):
        made = torch.nonzero(way == each).flatten()
        position = torch.full((size,), -1)
        position[made] = torch.arange(len(made))
        own = tuple(
            Reach(r.place, r.entries[mine], position[r.channels[mine]])
            for r in reaches
            if (mine := position[r.channels] >= 0).any()
        )
        yield Family(name, made, own, *binned(graph, own, len(made)))


def binned(graph: Graph, reaches: tuple[Reach, ...], size: int) -> tuple[Tensor, int]:
    """Return the bin of each channel, `(C,)`, and how many channels must stay in each.

    Raises:
        ValueError: a layer's groups of channels would not stay equally large.
    """
    bins, least = torch.zeros(size, dtype=torch.int64), 1
    for reach in reaches:
        name, side = reach.place
        module = graph.net.get_submodule(name)
        groups = blocks(module)
        if isinstance(module, nn.LayerNorm) or graph.spots.get(name) == 1:
            least = 2  # a single value less its mean is 0
        if groups == 1:
            continue
        whole = width(module, side)
        if size != whole or len(reach.entries) != whole:
            raise ValueError(f"meets {name}, whose groups of channels come from several layers")
        own = torch.empty_like(bins)
        own[reach.channels] = reach.entries // (whole // groups)
        bins = bins * groups + own
    _, bins, sizes = bins.unique(return_inverse=True, return_counts=True)
    if len(sizes.unique()) > 1:
        raise ValueError("meets layers whose groups of channels lie across each other")
    return bins, least
