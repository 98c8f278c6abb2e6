"""A linear model: softmax regression, or least squares.

Source: Cox 1958, "The Regression Analysis of Binary Sequences",
https://doi.org/10.1111/j.2517-6161.1958.tb00292.x; Legendre 1805 for least squares.
"""

import math

from torch import Tensor, nn


class Linear(nn.Module):
    """One weight for each input and output: the baseline of every other model.

    Args:
        shape: of one input.
        outputs: numbers K to emit.
        bias: whether each output has a constant of its own.
    """

    def __init__(self, shape: tuple[int, ...], outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.body = nn.Flatten()
        self.head = nn.Linear(math.prod(shape), outputs, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, *shape)` to logits, `(B, K)`."""
        return self.head(self.body(x))
