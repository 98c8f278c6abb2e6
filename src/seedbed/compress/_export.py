"""A finished model as one file that runs without this package, and the proof that it is the same.

The scaling is part of it: raw inputs go in.
"""

import io
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.fx import GraphModule

from seedbed.compress._capture import exported
from seedbed.compress._extra import extra, quiet
from seedbed.model.exported import KEY, Session, text_of
from seedbed.types import Spec

FLOAT, INTEGER = 1e-4, 0.05  # of the largest output: what may differ
AT_ONCE = 512  # examples
ORIGIN = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")
CHANGED = 0.01  # share of examples whose class may be another from integers


class Difference(NamedTuple):
    """How far the outputs of two models are from each other on the same examples."""

    largest: float  # absolute difference, in units of the outputs
    scale: float  # largest absolute output
    changed: float  # share of examples whose class is another, in [0, 1]
    examples: int

    def __str__(self) -> str:
        return (
            f"outputs of up to {self.scale:.3g} differ by up to {self.largest:.2g}, "
            f"{self.changed:.1%} of {self.examples} predictions change"
        )


def to_onnx(net: nn.Module, example: Tensor, spec: Spec) -> bytes:
    """Return a model as an ONNX file with input `input` and output `output`, for any batch size.

    What the data knew is in its metadata under `seedbed`, as JSON.

    Args:
        net: raw inputs `(B, *spec.shape)` to outputs `(B, K)`; is put into eval mode.
        example: raw inputs, `(2 or more, *spec.shape)`.
        spec: what the data knows.

    Raises:
        ValueError: it cannot be exported.
        ImportError: the libraries for it are not installed.
    """
    if isinstance(net, Session):
        return net.content
    for name in ("onnx", "onnxscript"):
        extra(name, "the export to ONNX")
    with quiet():
        try:
            program = torch.onnx.export(
                net.eval(),
                (example.detach().clone(),),
                input_names=["input"],
                output_names=["output"],
                dynamic_shapes=({0: Dim("batch", min=1)},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # of a dozen kinds
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise ValueError(f"the model cannot be exported to ONNX: {said[0]}") from error
    assert program is not None
    proto = program.model_proto
    proto.metadata_props.add(key=KEY, value=text_of(spec))
    bare(proto)
    return proto.SerializeToString()


def bare(proto: object) -> None:
    """Remove from a graph where in the source each node came from: half of a small file."""
    graph = proto.graph  # pyright: ignore[reportAttributeAccessIssue]
    del graph.value_info[:]
    for each in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del each.metadata_props[:]
        each.doc_string = ""
    for node in graph.node:
        node.name = ""


def to_pt2(net: nn.Module, example: Tensor, spec: Spec) -> bytes:
    """Return a model as a .pt2 file for `torch.export.load`, for any batch size.

    Of a model in integers torch finds the operations once `torch.ao.quantization.fx._decomposed`
    is imported.

    Args:
        net: raw inputs `(B, ...)` to outputs `(B, K)`; is put into eval mode.
        example: raw inputs, `(2 or more, ...)`.
        spec: what the data knows, kept beside the model as `seedbed.json`.

    Raises:
        ValueError: it cannot be exported.
    """
    if isinstance(net, Session):
        raise ValueError("what ONNX Runtime made cannot be written as .pt2; export it to ONNX")
    program, file = exported(net, example), io.BytesIO()
    program.example_inputs = None  # examples of the data are nobody's business
    for node in program.graph.nodes:
        for key in ORIGIN:
            node.meta.pop(key, None)
    torch.export.save(program, file, extra_files={f"{KEY}.json": text_of(spec)})
    return file.getvalue()


@torch.no_grad()
def difference(
    net: nn.Module, run: Callable[[Tensor], Tensor], batches: Iterable[Tensor], spec: Spec
) -> Difference:
    """Compare a model with what was made of it on real examples.

    Args:
        net: the model, in eval mode.
        run: the other one.
        batches: raw inputs, `(B, *spec.shape)` each, at least one.
        spec: what the data knows.
    """
    pairs = [(net(x).detach().float().cpu(), run(x).detach().float().cpu()) for x in batches]
    ours, theirs = (torch.cat(each) for each in zip(*pairs, strict=True))
    classes = [spec.scores(each).argmax(-1) for each in (ours, theirs)]
    changed = (classes[0] != classes[1]).float().mean().item() if spec.kind == "class" else 0.0
    apart = (ours - theirs).abs().max().item()
    return Difference(apart, ours.abs().max().item(), changed, len(ours))


def verified(net: nn.Module, run: Callable[[Tensor], Tensor], x: Tensor, spec: Spec) -> Difference:
    """Return how far a model and its export are apart, which is no more than rounding.

    In float32 an export computes the same up to the order of its sums: 1e-4 of the largest
    output.  In integers a sum that falls on the edge between two steps may be rounded the other
    way, and layers after it follow: 5 %, and 1 % of the classes, where a wrong scale or zero
    point gives more than half of the largest output.

    Args:
        net: the model, in eval mode; what compress=static and qat return is known as integer.
        run: what runs the export.
        x: raw inputs of the data, `(N, *spec.shape)`, N >= 1.
        spec: what the data knows.

    Raises:
        ValueError: they are two different models.
    """
    found = difference(net, run, x.split(AT_ONCE), spec)
    integer = isinstance(net, GraphModule)
    limit = (INTEGER if integer else FLOAT) * max(found.scale, 1e-6)
    same = found.largest <= limit  # NaN is not
    if not same or found.changed > CHANGED + 1 / found.examples:
        raise ValueError(f"the exported model disagrees with the original: {found}")
    return found
