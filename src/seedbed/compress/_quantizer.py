"""Where a graph is rounded to 8 bits, so that ONNX Runtime computes all of it in integers.

Activations are u8 with a zero point, weights s8, symmetric, with a scale for each output channel:
the pair for which its kernels are made.  An activation is rounded once, where it is made; what
only moves or selects its numbers (pooling by maximum, flattening, dropout) keeps them on the grid.
"""

from collections import defaultdict
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e import MinMaxObserver, MovingAverageMinMaxObserver
from torchao.quantization.pt2e.quantizer import (
    DerivedQuantizationSpec,
    QuantizationAnnotation,
    QuantizationSpec,
    Quantizer,
)

from seedbed.compress._capture import CONVOLUTIONS, WEIGHTED, aten
from seedbed.compress._flow import computed, end, is_mean_of_maps, root, sources
from seedbed.compress._round import (
    LEAST,
    PACE,
    Channels,
    Quantiles,
    RoundedActivation,
    RoundedWeight,
    bias_unit,
)


class Integers(Quantizer):
    """Marks what becomes integer, for calibration and for training alike.

    Args:
        training: whether the graph is to be trained with rounding.
        method: how ranges are found in calibration: minmax or percentile.
    """

    def __init__(self, *, training: bool = False, method: str = "minmax") -> None:
        super().__init__()
        kind: Any = {"minmax": MinMaxObserver, "percentile": Quantiles}[method]
        observer: Any = kind.with_args(eps=LEAST)
        weight: Any = Channels
        if training:
            kind = MovingAverageMinMaxObserver
            moving: Any = kind.with_args(averaging_constant=PACE, eps=LEAST)
            observer = RoundedActivation.with_args(observer=moving)
            weight = RoundedWeight.with_args(observer=Channels)
        self.activation = QuantizationSpec(
            torch.uint8, observer, 0, 255, torch.per_tensor_affine, None
        )
        self.weight = QuantizationSpec(
            torch.int8, weight, -127, 127, torch.per_channel_symmetric, 0
        )

    def transform_for_annotation(self, model: GraphModule) -> GraphModule:
        """Write means over maps as the pooling that has an integer kernel."""
        for node in computed(model):
            if is_mean_of_maps(node):
                pooled(model, node)
        model.graph.eliminate_dead_code()
        model.recompile()
        return model

    def annotate(self, model: GraphModule) -> GraphModule:
        """Mark the weights, and each activation where it is made."""
        marks: dict[Node, QuantizationAnnotation] = defaultdict(
            lambda: QuantizationAnnotation(_annotated=True, allow_implicit_sharing=False)
        )
        for node in computed(model):
            made = [root(model, each) for each in sources(node)]
            if node.target not in WEIGHTED:
                made.append(end(node))
            else:
                made += [end(node)] if node.target in CONVOLUTIONS else []
                marks[node].input_qspec_map |= self.constants(node, made[0])
            for each in made:
                marks[each].output_qspec = self.activation
        for node, mark in marks.items():
            node.meta["quantization_annotation"] = mark
        return model

    def constants(self, node: Node, source: Node) -> dict[Node, Any]:
        """Return how weight and bias of a layer are rounded, whose input is made at `source`."""
        weight, bias = node.args[1], node.args[2] if len(node.args) > 2 else None
        assert isinstance(weight, Node)
        if not isinstance(bias, Node):
            return {weight: self.weight}
        unit: Any = [source, (weight, node)]
        exact = DerivedQuantizationSpec(
            unit, bias_unit, torch.int32, -(2**31), 2**31 - 1, torch.per_channel_symmetric, 0
        )
        return {weight: self.weight, bias: exact}

    def validate(self, model: GraphModule) -> None:
        """Accept every model: what is not marked stays as it is."""


def pooled(graph: GraphModule, node: Node) -> None:
    """Replace a mean over maps."""
    source = node.all_input_nodes[0]
    height, width = source.meta["val"].shape[2:]
    flat = node.meta["val"].dim() == 2
    with graph.graph.inserting_before(node):
        mean = graph.graph.call_function(aten.avg_pool2d.default, (source, [height, width]))
        mean.meta = {
            **node.meta,
            "val": node.meta["val"][..., None, None] if flat else node.meta["val"],
        }
        last = graph.graph.call_function(aten.flatten.using_ints, (mean, 1)) if flat else mean
        last.meta = dict(node.meta) if flat else mean.meta
    node.replace_all_uses_with(last)
    graph.graph.erase_node(node)
