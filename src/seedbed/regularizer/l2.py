"""L2 penalty (Ridge): drives weights towards zero in proportion to their size.

Formula: loss + λ ½ Σw²
Source: Krogh & Hertz 1991, "A Simple Weight Decay Can Improve Generalization", NeurIPS 4, eq. 1,
    https://papers.nips.cc/paper/563-a-simple-weight-decay-can-improve-generalization
"""

from torch import Tensor

from seedbed.regularizer._sums import refuse_coef, squares
from seedbed.types import Regularizer, Step


class L2(Regularizer):
    """Adds `coef · ½ Σw²` over the weights; biases and norm layers are left alone.

    With plain SGD this is weight decay `coef`; with Adam it is not.  Keras' `l2(λ)` is
    `coef = 2λ`.

    Args:
        coef: λ, loss per half squared unit of weight, >= 0.

    Raises:
        ValueError: `coef` is negative.
    """

    def __init__(self, coef: float = 1e-4) -> None:
        super().__init__()
        refuse_coef(coef)
        self.coef = coef

    def penalty(self, step: Step) -> Tensor:
        """Return the penalty, `()`."""
        return self.coef / 2 * squares(step.model, step.loss)
