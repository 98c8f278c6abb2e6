"""Quantization-aware training: the model learns to live with 8-bit integers.

Formula: forward with w, x rounded as in compress=static; backward as if they were not:
    ∂round(x)/∂x = 1 inside the range, 0 outside
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", section 3, https://arxiv.org/abs/1712.05877;
    Bengio et al. 2013, "Estimating or Propagating Gradients Through Stochastic Neurons",
    https://arxiv.org/abs/1308.3432

The rounding is torchao's; where to round is our own (see `_quantizer.py`).
"""

from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule

from seedbed.compress._integer import calibrate, converted, pair, prepared, refuse_ranges
from seedbed.compress._workbench import Workbench


class QAT:
    """Trains the model with rounded weights and activations, then computes it in integers.

    For models that lose too much with compress=static.  Batch norm becomes part of the layer
    before it, with its statistics as they are, so a lower learning rate is in place.  Ranges of
    activations follow the training batches until `frozen` epochs are left.  Dropout works as
    before, in training only.

    Args:
        epochs: of training with rounding, >= 1.
        rate: factor on the run's learning rate, > 0; a tenth of it in the frozen epochs.
        frozen: the last epochs, with ranges that no longer move, in [0, epochs].
        examples: of the training split, from which the first ranges are found, >= 1.
        max_drop: validation points that may be lost, >= 0.

    Raises:
        ValueError: an argument outside its range; when called, a model without linear and
            convolutional layers, or examples that are not finite.
        ImportError: when called, torchao is not installed.
    """

    integer = True  # nothing can follow
    needs = ("torchao", "onnx", "onnxscript", "onnxruntime")  # modules of the extra

    def __init__(
        self,
        epochs: int = 3,
        rate: float = 0.1,
        frozen: int = 1,
        examples: int = 512,
        max_drop: float = 1.0,
    ) -> None:
        refuse_ranges(examples, max_drop)
        if epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {epochs}")
        if not 0 < rate < float("inf"):
            raise ValueError(f"rate must be positive, got {rate}")
        if not 0 <= frozen <= epochs:
            raise ValueError(f"frozen must lie in [0, epochs], got {frozen} with epochs={epochs}")
        self.epochs, self.rate, self.frozen = epochs, rate, frozen
        self.examples, self.max_drop = examples, max_drop

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return a graph of integer operations."""
        example = pair(net, bench)
        graph = prepared(net, bench, "compress=qat", training=True)
        observe(graph, bench, self.examples)
        bench.tune(graph, None, self.epochs - self.frozen, self.rate)
        for each in roundings(graph):
            each.disable_observer()
        bench.tune(graph, None, self.frozen, self.rate / 10)
        with torch.no_grad():
            graph.eval()(example)  # the scales of the weights after their last update
        return converted(graph)


def observe(graph: GraphModule, bench: Workbench, count: int) -> None:
    """Find the first ranges, before anything is rounded."""
    for each in roundings(graph):
        each.train().disable_fake_quant()
    calibrate(graph, bench, count)
    for each in roundings(graph):
        each.eval().enable_fake_quant()


def roundings(graph: GraphModule) -> list[Any]:
    """Return what rounds the activations of a graph in training."""
    from seedbed.compress._round import RoundedActivation

    return [each for each in graph.modules() if isinstance(each, RoundedActivation)]
