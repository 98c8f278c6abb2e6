"""A small network of Inception modules: several sizes of kernels side by side.

Source: Szegedy et al. 2015, "Going Deeper with Convolutions", figure 2b and table 1,
https://arxiv.org/abs/1409.4842.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from seedbed.model._activation import Activation
from seedbed.model._block import Block, Norm, NormPosition
from seedbed.model._image import GlobalMean, check_images, check_widths


class Module(nn.Module):
    """Four branches over the same maps, concatenated.

    Of `c_out` maps a quarter come from 1 by 1 kernels, a half from 3 by 3 (reduced to 3/8
    before), an eighth from 5 by 5 (reduced to 1/16) and an eighth from pooling: the shares of
    the paper's first module.

    Args:
        block: makes the layers.
        c_in: maps of the input.
        c_out: maps of the output, a multiple of 16.
    """

    def __init__(self, block: Block, c_in: int, c_out: int) -> None:
        super().__init__()
        part = c_out // 16
        self.one = nn.Sequential(*block.conv(c_in, 4 * part, 1))
        self.three = nn.Sequential(
            *block.conv(c_in, 6 * part, 1), *block.conv(6 * part, 8 * part, 3)
        )
        self.five = nn.Sequential(*block.conv(c_in, part, 1), *block.conv(part, 2 * part, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), *block.conv(c_in, 2 * part, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, c_in, H, W)` to `(B, c_out, H, W)`."""
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


class Inception(nn.Module):
    """Looks at each place through 1, 3 and 5 pixel wide kernels at once, at little cost.

    Args:
        shape: channels, height and width of one input.
        outputs: numbers K to emit.
        stem: feature maps of the first 3 by 3 convolution.
        widths: feature maps of each module, multiples of 16; between modules height and width
            are halved.
        activation: relu, leaky_relu, gelu, silu, tanh or sigmoid.
        dropout: share of the averaged maps zeroed while training, before the head, in [0, 1).
        norm: none, batch, layer (over all maps of a convolution of an example), group or weight,
            in every convolution.
        norm_position: of batch, layer and group norm: before or after the activation.
        momentum: of batch norm's running statistics, in [0, 1]: the weight of the newest batch,
            as torch counts it; Keras' momentum is 1 minus this one.
        eps: added to the variance, > 0.
        groups: of group norm; divides `stem` and a sixteenth of every width.

    Raises:
        ValueError: inputs that are no images, or too small for so many modules; an argument
            outside its range.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        stem: int = 32,
        widths: Sequence[int] = (64, 128),
        activation: Activation = "relu",
        dropout: float = 0.0,
        norm: Norm = "batch",
        norm_position: NormPosition = "before",
        momentum: float = 0.1,
        eps: float = 1e-5,
        groups: int = 4,
    ) -> None:
        super().__init__()
        check_widths("widths", widths)
        check_widths("stem", [stem])
        if any(width % 16 for width in widths):
            raise ValueError(f"widths must be multiples of 16, got {list(widths)}")
        block = Block(norm, norm_position, momentum, eps, groups, activation, dropout)
        check_images("inception", shape, len(widths) - 1)
        layers: list[nn.Module] = block.conv(shape[0], stem, 3)
        for index, (c_in, c_out) in enumerate(pairwise([stem, *widths])):
            layers += [nn.MaxPool2d(2)] * (index > 0) + [Module(block, c_in, c_out)]
        self.body = nn.Sequential(*layers, GlobalMean(), nn.Dropout(dropout))
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, channels, height, width)` to logits, `(B, K)`."""
        return self.head(self.body(x))
