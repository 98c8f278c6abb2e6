"""What surrounds every mixing layer: normalisation, activation and dropout, dense and conv alike.

Source: Ioffe & Szegedy 2015, "Batch Normalization", https://arxiv.org/abs/1502.03167;
Ba et al. 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450;
Wu & He 2018, "Group Normalization", https://arxiv.org/abs/1803.08494;
Salimans & Kingma 2016, "Weight Normalization", https://arxiv.org/abs/1602.07868.
"""

import math
from dataclasses import dataclass
from typing import Literal

from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.model._activation import Activation, activation_of

Norm = Literal["none", "batch", "layer", "group", "weight"]
NormPosition = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Block:
    """Makes mixing layer, norm, activation (and dropout), in the order that was asked for.

    Layer norm of feature maps is over channels, height and width of each example, with a scale
    and shift a channel: group norm with one group, as Wu & He read it.  Scales start at 1, shifts
    at 0.  A layer that batch, layer or group norm follows directly has no bias: the norm's shift
    is one.  Weight norm is w = g·v/‖v‖ for each output of the mixing layers, not of the head.

    Args:
        norm: none, batch, layer, group or weight.
        norm_position: of batch, layer and group norm: before or after the activation.
        momentum: of batch norm's running statistics, in [0, 1]: the weight of the newest batch,
            as torch counts it; Keras' momentum is 1 minus this one.
        eps: added to the variance, > 0.
        groups: of group norm; divides the number of channels.
        activation: relu, leaky_relu, gelu, silu, tanh or sigmoid.
        dropout: share of units zeroed while training, in [0, 1).

    Raises:
        ValueError: an argument outside its range.
    """

    norm: Norm = "none"
    norm_position: NormPosition = "before"
    momentum: float = 0.1
    eps: float = 1e-5
    groups: int = 4
    activation: Activation = "relu"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("norm", self.norm, Norm.__args__),
            ("norm_position", self.norm_position, NormPosition.__args__),
        ):
            if value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must lie in [0, 1], got {self.momentum}")
        if not 0 < self.eps < math.inf:
            raise ValueError(f"eps must be positive, got {self.eps}")
        if self.groups < 1:
            raise ValueError(f"groups must be at least 1, got {self.groups}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")
        activation_of(self.activation)

    def dense(self, d_in: int, d_out: int) -> list[nn.Module]:
        """Return the parts of a fully connected layer, `(B, d_in)` to `(B, d_out)`."""
        layer = nn.Linear(d_in, d_out, bias=self.needs_bias)
        return [*self.mixed(layer, d_out, 0), *self.activated(d_out, 0), nn.Dropout(self.dropout)]

    def conv(self, c_in: int, c_out: int, kernel_size: int, stride: int = 1) -> list[nn.Module]:
        """Return the parts of a convolution, `(B, c_in, H, W)` to `(B, c_out, H/stride, …)`."""
        return [*self.convolved(c_in, c_out, kernel_size, stride), *self.activated(c_out)]

    def convolved(
        self, c_in: int, c_out: int, kernel_size: int, stride: int = 1
    ) -> list[nn.Module]:
        """Return what comes before the activation."""
        padding = kernel_size // 2
        layer = nn.Conv2d(c_in, c_out, kernel_size, stride, padding, bias=self.needs_bias)
        return self.mixed(layer, c_out, 2)

    def activated(self, width: int, dims: int = 2) -> list[nn.Module]:
        """Return the activation and what follows it."""
        after = self.norm_of(width, dims) if self.norm_position == "after" else []
        return [activation_of(self.activation), *after]

    def mixed(self, layer: nn.Module, width: int, dims: int) -> list[nn.Module]:
        """Return the mixing layer and the norm that follows it directly."""
        if self.norm == "weight":
            return [weight_norm(layer)]
        return [layer, *(self.norm_of(width, dims) if self.norm_position == "before" else [])]

    @property
    def needs_bias(self) -> bool:
        """Whether no norm follows the mixing layer, whose shift would be its bias."""
        return self.norm in ("none", "weight") or self.norm_position == "after"

    def norm_of(self, width: int, dims: int) -> list[nn.Module]:
        """Return the norm of `width` units, or of as many maps of `dims` dimensions."""
        if self.norm in ("none", "weight"):
            return []
        if self.norm == "batch":
            kind = nn.BatchNorm2d if dims else nn.BatchNorm1d
            return [kind(width, self.eps, self.momentum)]
        groups = 1 if self.norm == "layer" else self.groups
        if width % groups:
            raise ValueError(f"groups={groups} must divide the number of channels, got {width}")
        if not dims and width == groups:
            raise ValueError(
                f"{self.norm} norm over one unit at a time gives 0; {width} units are too few"
            )
        if self.norm == "layer" and not dims:
            return [nn.LayerNorm(width, self.eps)]
        return [nn.GroupNorm(groups, width, self.eps)]
