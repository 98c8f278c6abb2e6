"""What the steps to 8 bits share: rounding points, ranges from examples, the integer graph."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from seedbed.compress._capture import WEIGHTED, capture, thawed, with_layers, without_dead
from seedbed.compress._extra import extra, quiet
from seedbed.compress._flow import floats
from seedbed.compress._fold import fold
from seedbed.compress._workbench import Workbench

Method = Literal["minmax", "percentile"]
NAMED = 6  # layers at most in a line for the user


def prepared(
    net: nn.Module, bench: Workbench, asked: str, method: Method = "minmax", *, training: bool
) -> GraphModule:
    """Return a model as a graph that measures, or rounds, what will be integer.

    Args:
        net: raw inputs to outputs; its batch norms are folded on the way.
        bench: for an example.
        asked: the override, for messages.
        method: how ranges are found.
        training: whether the graph is to be trained with rounding.

    Raises:
        ValueError: there is nothing to quantize, or it cannot be captured.
        ImportError: torchao is not installed.
    """
    extra("torchao", asked)
    with quiet():
        from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e, prepare_qat_pt2e

        from seedbed.compress._quantizer import Integers
    example = pair(net, bench)
    graph = capture(fold(net, example), example)
    if not any(node.target in WEIGHTED for node in graph.graph.nodes):
        raise ValueError(f"{asked}: the model has no linear or convolutional layer")
    if names := floats(graph, net):
        bench.tell(f"{asked}: stays in float: {few(names)}")
    prepare: Any = prepare_qat_pt2e if training else prepare_pt2e
    with quiet():
        graph = thawed(prepare(graph, Integers(training=training, method=method)))
    return with_layers(graph, net).eval()


def refuse_ranges(examples: int, max_drop: float) -> None:
    """Refuse arguments outside their range.

    Raises:
        ValueError: there are such.
    """
    if examples < 1:
        raise ValueError(f"examples must be at least 1, got {examples}")
    refuse_drop(max_drop)


def refuse_drop(max_drop: float) -> None:
    """Refuse a negative loss.

    Raises:
        ValueError: it is negative, or no number.
    """
    if not max_drop >= 0:
        raise ValueError(f"max_drop must be at least 0, got {max_drop}")


def few(names: list[str]) -> str:
    """Return names in one line."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def pair(net: nn.Module, bench: Workbench) -> Tensor:
    """Return two training inputs; of one example, twice the same."""
    x = next(bench.batches(net, 2)).x
    return x if len(x) > 1 else torch.cat([x, x])


@torch.no_grad()
def calibrate(graph: GraphModule, bench: Workbench, count: int) -> None:
    """Let a graph see training examples.

    Raises:
        ValueError: they, or what it makes of them, are not finite.
    """
    for batch in bench.batches(graph, count):
        if not batch.x.isfinite().all():
            raise ValueError("examples: an input among them is not finite (NaN or infinite)")
        if not graph(batch.x).isfinite().all():
            raise ValueError("examples: the model's output for one of them is not finite")


@torch.no_grad()
def converted(graph: GraphModule) -> GraphModule:
    """Return the integer graph of one that has measured; its weights are stored in 8 bits."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    from seedbed.compress._round import biases

    for inputs, weight, bias in biases(graph):
        step = inputs.calculate_qparams()[0].to(bias)
        weight.floor = bias.abs() / (step * 2**30)
    with quiet():
        return without_dead(thawed(convert_pt2e(graph))).eval()
