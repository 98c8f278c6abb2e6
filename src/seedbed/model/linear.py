"""A linear model: softmax regression, or least squares."""

import math

from torch import Tensor, nn


class Linear(nn.Module):
    """One weight for each input and output: the baseline of every other model.

    Args:
        shape: of one input.
        outputs: numbers K to emit.
    """

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.body = nn.Flatten()
        self.head = nn.Linear(math.prod(shape), outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, *shape)` to logits, `(B, K)`."""
        return self.head(self.body(x))
