"""Multi-layer perceptron.

Source: Rumelhart et al. 1986, "Learning Representations by Back-Propagating Errors",
https://doi.org/10.1038/323533a0.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from seedbed.model._activation import Activation
from seedbed.model._block import Block, Norm, NormPosition
from seedbed.model._image import check_widths


class MLP(nn.Module):
    """Fully connected layers with an activation and dropout after each, then a linear head.

    Args:
        shape: of one input.
        outputs: numbers K to emit.
        widths: units of each hidden layer, input side first.
        activation: relu, leaky_relu, gelu, silu, tanh or sigmoid.
        dropout: share of hidden units zeroed while training, in [0, 1).
        norm: none, batch, layer (over the units of an example), group or weight, in each
            hidden layer.
        norm_position: of batch, layer and group norm: before or after the activation.
        momentum: of batch norm's running statistics, in [0, 1]: the weight of the newest batch,
            as torch counts it; Keras' momentum is 1 minus this one.
        eps: added to the variance, > 0.
        groups: of group norm; divides every width.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        widths: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        dropout: float = 0.0,
        norm: Norm = "none",
        norm_position: NormPosition = "before",
        momentum: float = 0.1,
        eps: float = 1e-5,
        groups: int = 4,
    ) -> None:
        super().__init__()
        check_widths("widths", widths, empty=True)
        block = Block(norm, norm_position, momentum, eps, groups, activation, dropout)
        sizes = [math.prod(shape), *widths]
        layers = [part for d_in, d_out in pairwise(sizes) for part in block.dense(d_in, d_out)]
        self.body = nn.Sequential(nn.Flatten(), *layers)
        self.head = nn.Linear(sizes[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, *shape)` to logits, `(B, K)`."""
        return self.head(self.body(x))
