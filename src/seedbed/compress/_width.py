"""Widths of layers: which tensors hold the channels, and the fields that repeat their number.

A layer is narrowed, or brought to the widths of a checkpoint, by giving it other tensors and
settling its fields by them: no field can then disagree with the weights.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

Side = Literal["in", "out"]

NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)
VECTORS = ("weight", "bias", "running_mean", "running_var")


def depthwise(module: nn.Module) -> bool:
    """Return whether a convolution takes each channel to one channel of its own."""
    if not isinstance(module, _ConvNd):
        return False
    return 1 < module.groups == module.in_channels == module.out_channels


def mixes(module: nn.Module) -> bool:
    """Return whether the outputs of a layer are channels of their own."""
    return isinstance(module, nn.Linear | _ConvNd) and not depthwise(module)


def held(module: nn.Module, side: Side) -> dict[str, int]:
    """Return the tensors with an entry for each channel of a side, and in which dimension.

    Nothing where the layer is of a kind whose width is not ours to change.
    """
    if isinstance(module, _ConvTransposeNd) and module.groups > 1:
        return {}
    if mixes(module):
        out = 1 if isinstance(module, _ConvTransposeNd) else 0
        found = {"weight": out, "bias": 0} if side == "out" else {"weight": 1 - out}
    elif isinstance(module, NORMS) or depthwise(module):
        if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) > 1:
            return {}
        found = dict.fromkeys(VECTORS, 0)
    elif isinstance(module, nn.PReLU) and module.num_parameters > 1:
        found = {"weight": 0}
    else:
        return {}
    return {name: dim for name, dim in found.items() if getattr(module, name, None) is not None}


def width(module: nn.Module, side: Side) -> int:
    """Return the number of channels of a side."""
    layer: Any = module
    if isinstance(module, nn.Linear):
        return layer.in_features if side == "in" else layer.out_features
    if isinstance(module, _ConvNd):
        return layer.in_channels if side == "in" else layer.out_channels
    if isinstance(module, nn.LayerNorm):
        return layer.normalized_shape[-1]
    name = "num_channels" if isinstance(module, nn.GroupNorm) else "num_features"
    return layer.num_parameters if isinstance(module, nn.PReLU) else getattr(layer, name)


def blocks(module: nn.Module) -> int:
    """Return the number of groups of channels that must stay equally large."""
    if isinstance(module, nn.GroupNorm):
        return module.num_groups
    return module.groups if isinstance(module, _ConvNd) and not depthwise(module) else 1


@torch.no_grad()
def narrow(module: nn.Module, side: Side, kept: Tensor) -> None:
    """Keep only some channels of a side.

    Args:
        module: a layer that `held` knows.
        side: of its inputs or its outputs.
        kept: indices, ascending, int64; as many in each group of a grouped convolution.
    """
    for name, dim in held(module, side).items():
        old = getattr(module, name)
        where = kept.to(old.device)
        grouped = side == "in" and mixes(module) and blocks(module) > 1
        new = _of_groups(old, where, blocks(module)) if grouped else old.index_select(dim, where)
        put(module, name, new)
    settle(module)


def settle(module: nn.Module) -> None:
    """Bring the fields of a layer in line with its tensors."""
    layer: Any = module
    if isinstance(module, nn.Linear):
        layer.out_features, layer.in_features = module.weight.shape
    elif isinstance(module, _ConvNd):
        first, second = module.weight.shape[:2]
        if depthwise(module):
            layer.groups = first
        sides = (first, second * layer.groups)
        transposed = isinstance(module, _ConvTransposeNd)
        layer.in_channels, layer.out_channels = sides if transposed else sides[::-1]
    elif vectors := [v for name in VECTORS if (v := getattr(module, name, None)) is not None]:
        if isinstance(module, nn.LayerNorm):
            layer.normalized_shape = tuple(vectors[0].shape)
        elif isinstance(module, nn.PReLU):
            layer.num_parameters = len(vectors[0])
        elif isinstance(module, nn.GroupNorm):
            layer.num_channels = len(vectors[0])
        elif isinstance(module, NORMS):
            layer.num_features = len(vectors[0])


def _of_groups(weight: Tensor, kept: Tensor, groups: int) -> Tensor:
    """Return the weight of a grouped convolution, `(O, I/groups, ...)`, with fewer inputs."""
    per = weight.shape[1]
    local = (
        kept.view(groups, -1) - per * torch.arange(groups, device=kept.device)[:, None]
    ).tolist()
    pieces = weight.chunk(groups)
    return torch.cat([piece[:, index] for piece, index in zip(pieces, local, strict=True)])


def put(module: nn.Module, name: str, new: Tensor) -> None:
    """Replace a parameter or a buffer of a module by a tensor of another shape."""
    old = getattr(module, name)
    if isinstance(old, nn.Parameter):
        new = nn.Parameter(new.detach().clone(), requires_grad=old.requires_grad)
    setattr(module, name, new)
