"""A model as a graph of operations, whose layers stay where they were."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.fx import GraphModule, Node
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

aten = torch.ops.aten
CONVOLUTIONS = {aten.conv1d.default, aten.conv2d.default, aten.conv3d.default}
WEIGHTED = {*CONVOLUTIONS, aten.linear.default}
MODES = (_BatchNorm, _DropoutNd)  # layers that are others in training


def capture(net: nn.Module, example: Tensor) -> GraphModule:
    """Return the model as a graph that computes the same for batches of any size.

    Parameters are shared with `net` and keep their names.  Layers that differ between training
    and evaluation are called as modules, so that `train` and `eval` work.

    Args:
        net: raw inputs `(B, ...)` to outputs `(B, K)`; is put into eval mode.
        example: raw inputs, `(2 or more, ...)`.

    Raises:
        ValueError: it cannot be captured.
    """
    graph = cast(GraphModule, exported(net, example).module(check_guards=False))
    for node in list(graph.graph.nodes):
        name, layer = layer_of(net, node)
        if isinstance(layer, MODES) and node.op == "call_function":
            call(graph, node, name, layer)
        elif node.target is aten.dropout.default:  # called as a function
            call(graph, node, node.name, nn.Dropout(node.args[1]))
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return thawed(graph).eval()


def exported(net: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    """Return what torch.export makes of a model in eval mode, for batches of any size.

    Raises:
        ValueError: it depends on the values of its inputs, or on the size of the batch.
    """
    try:
        return torch.export.export(
            net.eval(), (example.detach().clone(),), dynamic_shapes=({0: Dim("batch", min=1)},)
        )
    except Exception as error:  # of a dozen kinds
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"the model cannot be exported: {said[0]}") from error


def call(graph: GraphModule, node: Node, name: str, layer: nn.Module) -> None:
    """Let a node of a graph be the call of a layer."""
    if not has(graph, name):
        graph.add_submodule(name, layer)
    with graph.graph.inserting_before(node):
        called = graph.graph.call_module(name, (node.args[0],))
    called.meta = node.meta
    node.replace_all_uses_with(called)
    graph.graph.erase_node(node)


def layer_of(net: nn.Module, node: Node) -> tuple[str, nn.Module | None]:
    """Return name and module of the innermost layer that a node comes from, None of no layer."""
    stack: list[Any] = list((node.meta.get("nn_module_stack") or {}).values())
    name = str(stack[-1][0]).partition("@")[0] if stack else ""
    return name, net.get_submodule(name) if name and has(net, name) else None


def has(net: nn.Module, name: str) -> bool:
    """Return whether there is a module of that name."""
    try:
        net.get_submodule(name)
    except AttributeError:
        return False
    return True


def with_layers(graph: GraphModule, net: nn.Module) -> GraphModule:
    """Put the layers of a model where the graph has their parameters.

    So whoever looks for linear layers in it, to decay or to prune their weights, finds them.
    """
    for name, module in net.named_modules():
        if name and next(module.children(), None) is None and has(graph, name):
            graph.set_submodule(name, module)
    return graph


def thawed(graph: GraphModule) -> GraphModule:
    """Give back `train` and `eval` to a graph that was forbidden both."""
    for name in ("train", "eval"):
        graph.__dict__.pop(name, None)
    return graph


def without_dead(graph: GraphModule) -> GraphModule:
    """Remove the parameters, buffers and layers of a graph that nothing in it uses."""
    graph.graph.eliminate_dead_code()
    used = {str(n.target) for n in graph.graph.nodes if n.op in ("get_attr", "call_module")}
    called = tuple(str(n.target) for n in graph.graph.nodes if n.op == "call_module")
    for path, module in list(graph.named_modules()):
        if path in called or path.startswith(tuple(f"{name}." for name in called)):
            continue
        for table in (module._parameters, module._buffers):
            for name in list(table):
                if (f"{path}.{name}" if path else name) not in used:
                    del table[name]
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph
