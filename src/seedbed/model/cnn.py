"""A small convolutional network in the manner of LeNet.

Source: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition",
https://doi.org/10.1109/5.726791.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from seedbed.model._activation import Activation
from seedbed.model._block import Block, Norm, NormPosition
from seedbed.model._image import check_images, check_widths

PoolPosition = Literal["before", "after"]


class CNN(nn.Module):
    """Stages of convolution, activation and 2 by 2 pooling, one hidden layer, a linear head.

    Args:
        shape: channels, height and width of one input.
        outputs: numbers K to emit.
        channels: feature maps of each stage; each halves height and width.
        kernel_size: side of the convolutions in pixels, odd.
        hidden: units of the fully connected layer; null: none, the head sees all maps.
        activation: relu, leaky_relu, gelu, silu, tanh or sigmoid.
        dropout: share of the hidden units zeroed while training, in [0, 1).
        norm: none, batch, layer (over all maps of an example), group or weight, in each stage
            and the hidden layer.
        norm_position: of batch, layer and group norm: before or after the activation.
        pool_position: before or after norm and activation, which have a quarter of the work
            behind it; without a norm relu makes the same maps either way.
        momentum: of batch norm's running statistics, in [0, 1]: the weight of the newest batch,
            as torch counts it; Keras' momentum is 1 minus this one.
        eps: added to the variance, > 0.
        groups: of group norm; divides `hidden` and all `channels`.

    Raises:
        ValueError: inputs that are no images, or too small for so many stages; an argument
            outside its range.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        channels: Sequence[int] = (32, 64),
        kernel_size: int = 3,
        hidden: int | None = 128,
        activation: Activation = "relu",
        dropout: float = 0.0,
        norm: Norm = "none",
        norm_position: NormPosition = "before",
        pool_position: PoolPosition = "after",
        momentum: float = 0.1,
        eps: float = 1e-5,
        groups: int = 4,
    ) -> None:
        super().__init__()
        check_widths("channels", channels, empty=True)
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and positive, got {kernel_size}")
        if hidden is not None and hidden < 1:
            raise ValueError(f"hidden must be at least 1, got {hidden}")
        if pool_position not in PoolPosition.__args__:
            raise ValueError(f"pool_position must be before or after, got {pool_position!r}")
        block = Block(norm, norm_position, momentum, eps, groups, activation, dropout)
        check_images("a cnn", shape, len(channels))
        maps = [shape[0], *channels]
        stages = nn.Sequential()
        for c_in, c_out in pairwise(maps):
            mixing, *rest = block.conv(c_in, c_out, kernel_size)
            pool = [nn.MaxPool2d(2)]
            parts = [*pool, *rest] if pool_position == "before" else [*rest, *pool]
            stages.append(nn.Sequential(mixing, *parts))
        height, width = (side // 2 ** len(channels) for side in shape[1:])
        size = maps[-1] * height * width
        dense = block.dense(size, hidden) if hidden else [nn.Dropout(dropout)]
        self.body = nn.Sequential(stages, nn.Flatten(), *dense)
        self.head = nn.Linear(hidden or size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, channels, height, width)` to logits, `(B, K)`."""
        return self.head(self.body(x))
