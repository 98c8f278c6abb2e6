"""L1 penalty (Lasso): drives weights towards zero at a constant pace.

Source: Tibshirani 1996, "Regression Shrinkage and Selection via the Lasso", eq. 1.
"""

import torch
from torch import Tensor

from seedbed.types import Regularizer, Step
from seedbed.weight import weights


class L1(Regularizer):
    """Adds `coef · Σ|w|` over the weights; biases and norm layers are left alone.

    Args:
        coef: loss per unit of weight, >= 0.

    Raises:
        ValueError: `coef` is negative.
    """

    def __init__(self, coef: float = 1e-5) -> None:
        super().__init__()
        if coef < 0:
            raise ValueError(f"coef must be at least 0, got {coef}")
        self.coef = coef

    def penalty(self, step: Step) -> Tensor:
        """Return the penalty, `()`."""
        sizes = (w.abs().sum() for w in weights(step.model))
        return self.coef * sum(sizes, torch.zeros_like(step.loss))
