"""Where a graph is rounded to 8 bits, so that ONNX Runtime computes all of it in integers.

Activations are u8 with a zero point, weights s8, symmetric, with a scale for each output channel:
the pair for which its kernels are made.  An activation is rounded once, where it is made; what
only moves or selects its numbers (pooling by maximum, flattening, dropout) keeps them on the grid.

Formula: q = clamp(round(x/s) + z, 0, 255); for weights s = max|w|/127, z = 0, q in [-127, 127]
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", section 2, https://arxiv.org/abs/1712.05877
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node
from torch.nn.modules.dropout import _DropoutNd
from torchao.quantization.pt2e import (
    DerivedObserverOrFakeQuantize,
    FakeQuantize,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    PerChannelMinMaxObserver,
)
from torchao.quantization.pt2e.quantizer import (
    DerivedQuantizationSpec,
    QuantizationAnnotation,
    QuantizationSpec,
    Quantizer,
)

from seedbed.compress._capture import CONVOLUTIONS, WEIGHTED, aten, layer_of

SUMS = {aten.add.Tensor, aten.add_.Tensor, aten.cat.default}
MEANS = {
    *(aten.avg_pool1d.default, aten.avg_pool2d.default),
    *(aten.adaptive_avg_pool2d.default, aten.mean.dim),
}
RELUS = {aten.relu.default, aten.relu_.default}
MOVES = {  # numbers stay what they are
    *(aten.max_pool1d.default, aten.max_pool2d.default, aten.flatten.using_ints),
    *(aten.view.default, aten.reshape.default, aten.permute.default, aten.transpose.int),
    *(aten.squeeze.dim, aten.unsqueeze.default, aten.contiguous.default, aten.clone.default),
}


TAIL = 1e-4  # share of the values that `percentile` leaves out at each end
PACE = 0.05  # share of the newest batch in the ranges of training


class Channels(PerChannelMinMaxObserver):
    """Looks at a weight as it is now, `(K, ...)`: a scale for each of K output channels.

    `floor`, `(K,)` or `()`, is the smallest scale that may be: the bias, whose unit is this scale
    times that of the input, must not leave 32 bits.
    """

    floor: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.register_buffer("floor", torch.zeros(()), persistent=False)

    def forward(self, x_orig: Tensor) -> Tensor:
        """Measure the weight."""
        low, high = torch.aminmax(x_orig.detach().flatten(1).float(), dim=1)
        self.min_val.resize_(low.shape).copy_(low)
        self.max_val.resize_(high.shape).copy_(high)
        return x_orig

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """Return scales and zero points, `(K,)` each; a channel of zeros has scale 1."""
        scale = torch.maximum(torch.maximum(-self.min_val, self.max_val) / 127, self.floor)
        return scale.where(scale > 0, 1), torch.zeros_like(scale, dtype=torch.int64)


class Quantiles(MinMaxObserver):
    """Leaves out the outermost values of each batch, and takes the mean over batches."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.batches = 0

    def forward(self, x_orig: Tensor) -> Tensor:
        """Measure a batch."""
        values = x_orig.detach().flatten().float()
        out = max(1, round(TAIL * len(values)))
        ends = values.kthvalue(out).values, values.kthvalue(len(values) + 1 - out).values
        self.batches += 1
        for seen, end in zip((self.min_val, self.max_val), ends, strict=True):
            seen.copy_(end if self.batches == 1 else seen + (end - seen) / self.batches)
        return x_orig


class RoundedWeight(FakeQuantize):
    """Rounds a weight in training; its scales follow it at every step."""


class RoundedActivation(FakeQuantize):
    """Rounds an activation in training; its range follows training batches until it is frozen."""

    def forward(self, X: Tensor) -> Tensor:  # noqa: N803 -- torchao's name
        """Round; outside of training nothing is observed."""
        if self.training:
            return super().forward(X)
        if not self.fake_quant_enabled[0]:
            return X
        return torch.fake_quantize_per_tensor_affine(X, self.scale, self.zero_point, 0, 255)


class Integers(Quantizer):
    """Marks what becomes integer, for calibration and for training alike.

    Args:
        training: whether the graph is to be trained with rounding.
        method: how ranges are found in calibration: minmax or percentile.
    """

    def __init__(self, *, training: bool = False, method: str = "minmax") -> None:
        super().__init__()
        observer: Any = {"minmax": MinMaxObserver, "percentile": Quantiles}[method]
        weight: Any = Channels
        if training:
            moving: Any = MovingAverageMinMaxObserver.with_args(averaging_constant=PACE)
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
            if node.target in MEANS and is_mean_of_maps(node):
                pooled(model, node)
        model.graph.eliminate_dead_code()
        model.recompile()
        return model

    def annotate(self, model: GraphModule) -> GraphModule:
        """Mark the weights, and each activation where it is made."""
        marks: dict[Node, QuantizationAnnotation] = defaultdict(
            lambda: QuantizationAnnotation(_annotated=True)
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


def bias_unit(observers: Any) -> tuple[Tensor, Tensor]:
    """Return scale and zero point of a bias, `(K,)` each: what accumulators count in."""
    inputs, weight = (each.calculate_qparams()[0] for each in observers)
    return inputs * weight, torch.zeros_like(weight, dtype=torch.int64)


def biases(graph: GraphModule) -> Iterator[tuple[Any, Channels, Tensor]]:
    """Yield of each bias what looks at the input and the weight of its layer, and itself."""
    for node in graph.graph.nodes:
        rounding: Any = graph.get_submodule(node.target) if node.op == "call_module" else None
        if isinstance(rounding, DerivedObserverOrFakeQuantize):
            inputs, weight = rounding.obs_or_fqs
            seen: Any = getattr(weight, "activation_post_process", weight)
            yield inputs, seen, graph.get_parameter(node.args[0].target)


def is_mean_of_maps(node: Node) -> bool:
    """Return whether a node gives the mean of each map, `(B, C, H, W)` to `(B, C)` or alike."""
    taken, args = node.all_input_nodes[0].meta["val"], cast(Any, node.args)
    if node.target is aten.adaptive_avg_pool2d.default:
        return taken.dim() == 4 and list(args[1]) == [1, 1]
    over = args[1] if node.target is aten.mean.dim and args[1] else ()
    return taken.dim() == 4 and sorted(axis % 4 for axis in over) == [2, 3]


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
    parts: Any = node.args[0] if node.target is aten.cat.default else node.args[:2]
    if node.target in MEANS:
        return True
    return node.target in SUMS and all(part in after for part in parts)


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
    """Return the layers between the first and the last with weights that stay in float."""
    integer = computed(graph)
    layers = [n for n in integer if n.target in WEIGHTED]
    inside = reached(layers, forward=True) & reached(layers, forward=False)
    fused = {*integer, *map(end, integer)}
    names: dict[str, None] = {}
    for node in graph.graph.nodes:
        plain = node in inside and node.op in ("call_function", "call_module")
        if plain and node not in fused and not moves(graph, node):
            names[origin(net, node)] = None
    return list(names)


def origin(net: nn.Module, node: Node) -> str:
    """Return what a user knows an operation by: its layer, or its own name."""
    name, layer = layer_of(net, node)
    if layer is not None and next(layer.children(), None) is None:
        return f"{name} ({type(layer).__name__})"
    done = str(getattr(node.target, "_opname", node.name))
    return f"{done} in {name}" if name else done
