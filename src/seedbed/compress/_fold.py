"""Batch normalisation made part of the layer before it.

Formula: w' = w γ/√(σ² + ε), b' = (b - μ) γ/√(σ² + ε) + β
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", eq. 14, https://arxiv.org/abs/1712.05877
"""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from torch.nn.utils.parametrize import is_parametrized

from seedbed.compress._capture import exported, layer_of

Pair = tuple[str, str]


def fold(net: nn.Module, example: Tensor) -> nn.Module:
    """Fold every batch norm that directly follows a convolution or linear layer into it, in place.

    The folded norm becomes an identity.  One that follows an activation, or a layer whose result
    is used elsewhere too, stays.

    Args:
        net: raw inputs `(B, ...)` to outputs `(B, K)`; is put into eval mode.
        example: raw inputs, `(2 or more, ...)`.

    Raises:
        ValueError: the model cannot be captured.
    """
    if not any(isinstance(module, _BatchNorm) for module in net.modules()):
        return net.eval()
    for before, norm in list(pairs(net, example)):
        layer, after = net.get_submodule(before), net.get_submodule(norm)
        net.set_submodule(before, fused(layer, after))
        net.set_submodule(norm, nn.Identity().eval())
    return net


def pairs(net: nn.Module, example: Tensor) -> Iterator[Pair]:
    """Yield the names of layers and of the norms to be folded into them."""
    graph = exported(net, example).module(check_guards=False).graph
    calls = [(node, *layer_of(net, node)) for node in graph.nodes if node.op == "call_function"]
    norms = [each for each in calls if isinstance(each[2], _BatchNorm)]
    for node, name, norm in norms:
        source = node.args[0]
        before, layer = layer_of(net, source)
        if once(source) and once(node, reuse=False) and foldable(layer, norm, source):
            yield before, name


def once(node: Node, *, reuse: bool = True) -> bool:
    """Return whether the weights of a node, and if asked its result, are used nowhere else."""
    weights = [n for n in node.args[1:] if isinstance(n, Node) and n.op == "get_attr"]
    alone = all(len(weight.users) == 1 for weight in weights)
    return alone and (not reuse or len(node.users) == 1)


def foldable(layer: nn.Module | None, norm: Any, source: Node) -> bool:
    """Return whether a layer, whose output is `source`, can take the norm after it into itself."""
    if layer is None or norm.running_mean is None or norm.training:
        return False
    plain = type(layer).forward in FORWARDS and not is_parametrized(layer)
    if not plain or (isinstance(layer, _ConvTransposeNd) and layer.groups > 1):
        return False
    return isinstance(layer, _ConvNd) or source.meta["val"].dim() == 2


FORWARDS = {
    kind.forward
    for kind in (
        *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear),
        *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    )
}


@torch.no_grad()
def fused(layer: Any, norm: Any) -> nn.Module:
    """Return one layer that does what two did."""
    if isinstance(layer, nn.Linear):
        if norm.weight is None:  # torch's fusion of linear layers wants one
            norm = copy.copy(norm)
            ones = torch.ones_like(norm.running_mean)
            norm._parameters = {"weight": nn.Parameter(ones), "bias": nn.Parameter(0 * ones)}
        return fuse_linear_bn_eval(layer, norm)
    return fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, _ConvTransposeNd))
