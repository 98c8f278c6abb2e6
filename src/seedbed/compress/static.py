"""Post-training quantization: the whole model in 8-bit integers, ranges from a few examples.

Formula: x ≈ s (q - z), q = clamp(round(x/s) + z, 0, 255), s = (max x - min x)/255;
    weights: w ≈ s q, q in [-127, 127], s = max|w|/127 for each output channel
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", section 2.1, https://arxiv.org/abs/1712.05877

The rounding is torchao's; where to round is our own (see `_quantizer.py`), because with its stock
rules ONNX Runtime computes half of the graph in float and is slower than before.
"""

from torch import nn

from seedbed.compress._integer import Method, calibrate, converted, prepared, refuse_ranges
from seedbed.compress._workbench import Workbench


class Static:
    """Computes convolutions, linear layers, sums and pooling in integers, without training.

    A quarter of the size, and about twice as fast where the processor multiplies bytes; layers
    with one input channel gain least.  Batch norm becomes part of the layer before it.  Other
    norms, and activations other than relu, stay in float between integers, which costs time; they
    are named.

    Args:
        examples: of the training split, from which the ranges of activations are found, >= 1.
        method: `minmax` takes the extreme values that were seen; `percentile` leaves out one in
            10,000 at each end of a batch, at least one, and takes the mean over batches: for data
            with outliers, whose range would leave few steps for everything else.
        max_drop: validation points that may be lost, >= 0.

    Raises:
        ValueError: an argument outside its range; when called, a model without linear and
            convolutional layers, or examples that are not finite.
        ImportError: when called, torchao is not installed.
    """

    integer = True  # nothing can follow
    needs = ("torchao", "onnx", "onnxscript", "onnxruntime")  # modules of the extra

    def __init__(
        self, examples: int = 512, method: Method = "minmax", max_drop: float = 1.0
    ) -> None:
        refuse_ranges(examples, max_drop)
        if method not in Method.__args__:
            raise ValueError(f"method must be one of {', '.join(Method.__args__)}, got {method!r}")
        self.examples, self.max_drop = examples, max_drop
        self.method: Method = method

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return a graph of integer operations."""
        graph = prepared(net, bench, "compress=static", self.method, training=False)
        calibrate(graph, bench, self.examples)
        return converted(graph)
