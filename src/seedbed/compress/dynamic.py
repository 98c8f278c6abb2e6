"""Dynamic quantization: linear layers in 8-bit integers, their inputs measured as they come.

Formula: y = s_x s_w Σ (q_x - z_x) q_w, with s_x, z_x from the range of each batch and
    s_w = max|w|/127 for each output
Source: ONNX Runtime, "Quantize ONNX Models", Dynamic Quantization,
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

import tempfile
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.modules.conv import _ConvNd

from seedbed.compress._export import to_onnx
from seedbed.compress._extra import extra, quiet
from seedbed.compress._fold import fold
from seedbed.compress._integer import few, pair, refuse_drop
from seedbed.compress._workbench import Workbench
from seedbed.model.exported import Session

LEAST = 0.1  # share of the weights that must become integer for it to be worth it


class Dynamic:
    """Stores and multiplies the weights of linear layers as bytes; no examples are needed.

    For models that are mostly linear layers.  Convolutions stay in float, since measuring their
    inputs would take longer than it saves; for them there is compress=static.

    Args:
        max_drop: validation points that may be lost, >= 0.

    Raises:
        ValueError: `max_drop` is negative; when called, a model with few weights in linear layers.
        ImportError: when called, ONNX Runtime or the export to ONNX is not installed.
    """

    integer = True  # nothing can follow
    needs = ("onnx", "onnxscript", "onnxruntime")  # modules of the extra

    def __init__(self, max_drop: float = 1.0) -> None:
        refuse_drop(max_drop)
        self.max_drop = max_drop

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return what runs the quantized ONNX graph."""
        for name in ("onnxruntime", "onnx", "onnxscript"):
            extra(name, "compress=dynamic")
        example = pair(net, bench)
        content = quantized(to_onnx(fold(net, example), example, bench.spec))
        share = integers(content)
        if share < LEAST:
            raise ValueError(
                f"compress=dynamic: {share:.1%} of the weights are in linear layers, the others "
                "would stay in float; use compress=static"
            )
        kept = [f"{k} ({type(m).__name__})" for k, m in net.named_modules() if is_conv(m)]
        if kept:
            bench.tell(f"compress=dynamic: stays in float: {few(kept)}")
        return Session(content).eval()


def is_conv(module: nn.Module) -> bool:
    """Return whether a layer is a convolution."""
    return isinstance(module, _ConvNd)


def quantized(content: bytes) -> bytes:
    """Return an ONNX file whose products with constant matrices are computed in integers."""
    ort = extra("onnxruntime.quantization", "compress=dynamic")
    onnx = extra("onnx", "compress=dynamic")
    with tempfile.TemporaryDirectory() as folder, quiet():
        file = Path(folder, "model.onnx")
        ort.quantize_dynamic(
            onnx.load_from_string(content),
            file,
            op_types_to_quantize=["MatMul"],  # Gemm is made one first
            per_channel=True,
            weight_type=ort.QuantType.QInt8,
        )
        return file.read_bytes()


def integers(content: bytes) -> float:
    """Return the share of the numbers in an ONNX file that are stored in 8 bits."""
    onnx = extra("onnx", "compress=dynamic")
    tensors: list[Any] = list(onnx.load_from_string(content).graph.initializer)
    counts = [(each, size(each.dims)) for each in tensors]
    small = sum(n for each, n in counts if each.data_type == onnx.TensorProto.INT8)
    return small / max(1, sum(n for _, n in counts))


def size(dims: Any) -> int:
    """Return how many numbers a tensor of these dimensions has."""
    count = 1
    for each in dims:
        count *= each
    return count
