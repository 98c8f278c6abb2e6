"""L1 penalty (Lasso): drives weights towards zero at a constant pace.

Formula: loss + λ Σ|w|; proximal: w ← sign(w) · max(|w| - η λ, 0) after the step instead
Source: Tibshirani 1996, "Regression Shrinkage and Selection via the Lasso", JRSS B 58, eq. 1,
    https://doi.org/10.1111/j.2517-6161.1996.tb02080.x
"""

from torch import Tensor, nn

from seedbed.regularizer._proximal import refuse_parametrized, shrink
from seedbed.regularizer._sums import absolute, refuse_coef
from seedbed.types import Regularizer, Spec, Step


class L1(Regularizer):
    """Adds `coef · Σ|w|` over the weights; biases and norm layers are left alone.

    By its gradient weights hover around 0; with `proximal` they become 0 exactly, so the model
    gets sparse.  With loss=mse, whose mean has no factor ½, it is scikit-learn's Lasso at
    alpha = coef / 2.

    Args:
        coef: λ, loss per unit of weight, >= 0.
        proximal: leave the penalty out of the gradient and shrink the weights by
            `lr · coef` after each step.

    Raises:
        ValueError: `coef` is negative, or proximal steps under weight norm.
    """

    def __init__(self, coef: float = 1e-5, proximal: bool = False) -> None:
        super().__init__()
        refuse_coef(coef)
        self.coef, self.proximal = coef, proximal

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Refuse weights that cannot be shrunk directly."""
        if self.proximal:
            refuse_parametrized(model)

    def penalty(self, step: Step) -> Tensor:
        """Return the penalty, `()`; without a gradient if the step takes care of it."""
        penalty = self.coef * absolute(step.model, step.loss)
        return penalty.detach() if self.proximal else penalty

    def after_step(self, model: nn.Module, lr: float) -> None:
        """Shrink the weights."""
        if self.proximal:
            shrink(model, self.coef, lr, self.group_rates)
