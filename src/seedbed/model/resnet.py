"""A residual network for small images: layers learn what to add to their input.

Source: He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2,
https://arxiv.org/abs/1512.03385.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from seedbed.model._activation import Activation
from seedbed.model._block import Block, Norm, NormPosition
from seedbed.model._image import GlobalMean, check_images, check_widths


class Residual(nn.Module):
    """Two 3 by 3 convolutions whose result is added to the input, then the activation.

    Args:
        block: makes the layers.
        c_in: maps of the input.
        c_out: maps of the output; where they differ, a 1 by 1 convolution projects the input.
        stride: of the first convolution and the projection.
    """

    def __init__(self, block: Block, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *block.conv(c_in, c_out, 3, stride), *block.convolved(c_out, c_out, 3)
        )
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Sequential(*([] if same else block.convolved(c_in, c_out, 1, stride)))
        self.out = nn.Sequential(*block.activated(c_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, c_in, H, W)` to `(B, c_out, H / stride, W / stride)`."""
        return self.out(self.branch(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Adds what each pair of layers learned to their input, so that gradients reach the first ones.

    Args:
        shape: channels, height and width of one input.
        outputs: numbers K to emit.
        channels: feature maps of each stage; every stage but the first halves height and width.
        blocks: residual blocks a stage; 3, 5 and 9 make the paper's ResNet-20, -32 and -56.
        activation: relu, leaky_relu, gelu, silu, tanh or sigmoid.
        dropout: share of the averaged maps zeroed while training, before the head, in [0, 1).
        norm: none, batch, layer (over all maps of an example), group or weight, in every
            convolution.
        norm_position: of batch, layer and group norm: before or after the activation; the last
            one of a block then follows the sum.
        momentum: of batch norm's running statistics, in [0, 1]: the weight of the newest batch,
            as torch counts it; Keras' momentum is 1 minus this one.
        eps: added to the variance, > 0.
        groups: of group norm; divides all `channels`.

    Raises:
        ValueError: inputs that are no images, or too small for so many stages; an argument
            outside its range.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        channels: Sequence[int] = (16, 32, 64),
        blocks: int = 2,
        activation: Activation = "relu",
        dropout: float = 0.0,
        norm: Norm = "batch",
        norm_position: NormPosition = "before",
        momentum: float = 0.1,
        eps: float = 1e-5,
        groups: int = 4,
    ) -> None:
        super().__init__()
        check_widths("channels", channels)
        if blocks < 1:
            raise ValueError(f"blocks must be at least 1, got {blocks}")
        block = Block(norm, norm_position, momentum, eps, groups, activation, dropout)
        check_images("a resnet", shape, len(channels) - 1)
        stages = [nn.Sequential(*block.conv(shape[0], channels[0], 3))]
        for index, (c_in, c_out) in enumerate(pairwise([channels[0], *channels])):
            first = Residual(block, c_in, c_out, stride=2 if index else 1)
            rest = (Residual(block, c_out, c_out, stride=1) for _ in range(blocks - 1))
            stages.append(nn.Sequential(first, *rest))
        self.body = nn.Sequential(*stages, GlobalMean(), nn.Dropout(dropout))
        self.head = nn.Linear(channels[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, channels, height, width)` to logits, `(B, K)`."""
        return self.head(self.body(x))
