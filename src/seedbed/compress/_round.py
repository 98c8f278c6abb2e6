"""How numbers are rounded to 8 bits, and what measures their ranges.

Formula: q = clamp(round(x/s) + z, 0, 255); for weights s = max|w|/127, z = 0, q in [-127, 127]
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", section 2, https://arxiv.org/abs/1712.05877
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule
from torchao.quantization.pt2e import (
    DerivedObserverOrFakeQuantize,
    FakeQuantize,
    MinMaxObserver,
    PerChannelMinMaxObserver,
)

TAIL = 1e-4  # share of the values that `percentile` leaves out at each end
LEAST = 1e-30  # smallest step of activations; torchao's own, 1e-7, is too coarse for small units
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
