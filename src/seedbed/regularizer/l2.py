"""L2 penalty (Ridge): drives weights towards zero in proportion to their size.

Source: Krogh & Hertz 1991, "A Simple Weight Decay Can Improve Generalization", eq. 1.
"""

import torch
from torch import Tensor

from seedbed.types import Regularizer, Step
from seedbed.weight import weights


class L2(Regularizer):
    """Adds `coef · ½ Σw²` over the weights; biases and norm layers are left alone.

    With plain SGD this is weight decay `coef`; with Adam it is not.  Keras' `l2(λ)` is
    `coef = 2λ`.

    Args:
        coef: loss per half squared unit of weight, >= 0.

    Raises:
        ValueError: `coef` is negative.
    """

    def __init__(self, coef: float = 1e-4) -> None:
        super().__init__()
        if coef < 0:
            raise ValueError(f"coef must be at least 0, got {coef}")
        self.coef = coef

    def penalty(self, step: Step) -> Tensor:
        """Return the penalty, `()`."""
        squares = (w.square().sum() for w in weights(step.model))
        return self.coef / 2 * sum(squares, torch.zeros_like(step.loss))
