"""Multi-layer perceptron."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from seedbed.model._activation import Activation, activation_of


class MLP(nn.Module):
    """Fully connected layers with an activation and dropout after each, then a linear head.

    Args:
        shape: of one input.
        outputs: numbers K to emit.
        widths: units of each hidden layer, input side first.
        activation: relu, leaky_relu, gelu, silu, tanh or sigmoid.
        dropout: share of hidden units zeroed while training, in [0, 1).

    Raises:
        ValueError: a width below 1, or dropout outside its range.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        widths: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if any(width < 1 for width in widths):
            raise ValueError(f"widths must all be at least 1, got {list(widths)}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
        sizes = [math.prod(shape), *widths]
        layers = [
            part
            for d_in, d_out in pairwise(sizes)
            for part in (nn.Linear(d_in, d_out), activation_of(activation), nn.Dropout(dropout))
        ]
        self.body = nn.Sequential(nn.Flatten(), *layers)
        self.head = nn.Linear(sizes[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, *shape)` to logits, `(B, K)`."""
        return self.head(self.body(x))
