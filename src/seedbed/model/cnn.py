"""A small convolutional network in the manner of LeNet.

Source: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition".
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from seedbed.model._activation import Activation, activation_of


class CNN(nn.Module):
    """Stages of convolution, activation and 2 by 2 pooling, one hidden layer, a linear head.

    Args:
        shape: channels, height and width of one input.
        outputs: numbers K to emit.
        channels: feature maps of each stage; each halves height and width.
        kernel_size: side of the convolutions in pixels, odd.
        hidden: units of the fully connected layer.
        activation: relu, leaky_relu, gelu, silu, tanh or sigmoid.
        dropout: share of the hidden units zeroed while training, in [0, 1).

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
        hidden: int = 128,
        activation: Activation = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(shape) != 3:
            raise ValueError(f"a cnn needs images (channels, height, width), got shape {shape}")
        if min(shape[1:]) < 2 ** len(channels):
            raise ValueError(f"{len(channels)} channels halve images of {shape[1:]} to nothing")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and positive, got {kernel_size}")
        if min([*channels, hidden]) < 1:
            raise ValueError(f"channels and hidden must be positive, got {channels} and {hidden}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}")

        def stage(c_in: int, c_out: int) -> nn.Sequential:
            convolution = nn.Conv2d(c_in, c_out, kernel_size, padding=kernel_size // 2)
            return nn.Sequential(convolution, activation_of(activation), nn.MaxPool2d(2))

        maps = [shape[0], *channels]
        stages = nn.Sequential(*(stage(a, b) for a, b in pairwise(maps)))
        height, width = (side // 2 ** len(channels) for side in shape[1:])
        self.body = nn.Sequential(
            stages,
            nn.Flatten(),
            nn.Linear(maps[-1] * height * width, hidden),
            activation_of(activation),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, channels, height, width)` to logits, `(B, K)`."""
        return self.head(self.body(x))
