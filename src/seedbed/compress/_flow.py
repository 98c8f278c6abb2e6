"""Which operations of a graph are computed in integers, and where their numbers come from."""

from collections.abc import Iterator
from typing import Any, cast

from torch import nn
from torch.fx import GraphModule, Node
from torch.nn.modules.dropout import _DropoutNd

from seedbed.compress._capture import WEIGHTED, aten, layer_of
from seedbed.weight import MIXING

SUMS = {aten.add.Tensor, aten.add_.Tensor, aten.cat.default}
RELUS = {aten.relu.default, aten.relu_.default}
MOVES = {  # numbers stay what they are
    *(aten.max_pool1d.default, aten.max_pool2d.default, aten.flatten.using_ints),
    *(aten.view.default, aten.reshape.default, aten.permute.default, aten.transpose.int),
    *(aten.squeeze.dim, aten.unsqueeze.default, aten.contiguous.default, aten.clone.default),
}


def computed(graph: GraphModule) -> list[Node]:
    """Return the operations that are computed in integers.

    Layers with weights are, and sums, concatenations and means between two of them.
    """
    nodes = list(graph.graph.nodes)
    layers = [n for n in nodes if n.target in WEIGHTED and is_constant(n.args[1])]
    after, before = reached(layers, forward=True), reached(layers, forward=False)
    between = after & before
    return [n for n in nodes if n in layers or (n in between and is_sum(n, after))]


def is_sum(node: Node, after: set[Node]) -> bool:
    """Return whether a node adds, joins or averages activations."""
    if node.target not in SUMS or node.kwargs:
        return node.target is aten.avg_pool2d.default or is_mean_of_maps(node)
    parts: Any = node.args[0] if node.target is aten.cat.default else node.args[:2]
    return all(part in after for part in parts)


def is_mean_of_maps(node: Node) -> bool:
    """Return whether a node gives the mean of each map, `(B, C, H, W)` to `(B, C)` or alike."""
    if node.target not in (aten.adaptive_avg_pool2d.default, aten.mean.dim):
        return False
    taken, args = node.all_input_nodes[0].meta["val"], cast(Any, node.args)
    if node.target is aten.adaptive_avg_pool2d.default:
        return taken.dim() == 4 and list(args[1]) == [1, 1]
    over = args[1] or ()
    return taken.dim() == 4 and sorted(axis % 4 for axis in over) == [2, 3]


def is_constant(arg: Any) -> bool:
    """Return whether an argument is a parameter as it stands."""
    return isinstance(arg, Node) and arg.op == "get_attr"


def reached(starts: list[Node], *, forward: bool) -> set[Node]:
    """Return the nodes that depend on some, or that those depend on; themselves included."""
    found: set[Node] = set()
    todo = list(starts)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += node.users if forward else node.all_input_nodes
    return found


def sources(node: Node) -> Iterator[Node]:
    """Yield the activations that an integer operation takes."""
    parts: Any = node.args[: 2 if node.target in SUMS else 1]
    yield from parts[0] if node.target is aten.cat.default else parts


def end(node: Node) -> Node:
    """Return where the result of an operation is rounded: after the relu that is fused with it."""
    users = list(node.users)
    return users[0] if len(users) == 1 and users[0].target in RELUS else node


def root(graph: GraphModule, node: Node) -> Node:
    """Return where the numbers of an activation are made."""
    while moves(graph, node):
        node = node.all_input_nodes[0]
    return node


def moves(graph: GraphModule, node: Node) -> bool:
    """Return whether a node gives the numbers that it takes, moved, selected or thinned out."""
    if node.op == "call_module":
        return isinstance(graph.get_submodule(str(node.target)), _DropoutNd)
    return node.op == "call_function" and node.target in MOVES | {aten.dropout.default}


def floats(graph: GraphModule, net: nn.Module) -> list[str]:
    """Return what stays in float of the layers with weights and of what is between them."""
    integer = computed(graph)
    layers = [n for n in integer if n.target in WEIGHTED]
    inside = reached(layers, forward=True) & reached(layers, forward=False)
    fused = {*integer, *map(end, integer)}
    names: dict[str, None] = {}
    for node in graph.graph.nodes:
        here = node in inside or isinstance(layer_of(net, node)[1], MIXING)
        done = node in fused or node.op not in ("call_function", "call_module")
        if here and not done and not moves(graph, node):
            names[origin(net, node)] = None
    return list(names)


def origin(net: nn.Module, node: Node) -> str:
    """Return what a user knows an operation by: its layer, or its own name."""
    name, layer = layer_of(net, node)
    if layer is not None and next(layer.children(), None) is None:
        return f"{name} ({type(layer).__name__})"
    done = str(getattr(node.target, "_opname", node.name))
    return f"{done} in {name}" if name else done
