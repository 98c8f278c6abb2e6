"""Elastic net: L1 and L2 penalties in one.

Formula: loss + λ (ρ Σ|w| + (1-ρ) ½ Σw²), ρ = l1_ratio
Source: Zou & Hastie 2005, "Regularization and Variable Selection via the Elastic Net", JRSS B 67,
    eq. 3, https://doi.org/10.1111/j.1467-9868.2005.00503.x, in scikit-learn's terms
"""

from torch import Tensor, nn

from seedbed.regularizer._proximal import refuse_parametrized, shrink
from seedbed.regularizer._sums import absolute, refuse_coef, squares
from seedbed.types import Regularizer, Spec, Step


class ElasticNet(Regularizer):
    """Shrinks the weights, and those of inputs that go together alike; few stay away from 0.

    Biases and norm layers are left alone.  With loss=mse, whose mean has no factor ½, it is
    scikit-learn's ElasticNet at alpha = coef / 2 and the same l1_ratio.

    Args:
        coef: λ, the strength of both, >= 0.
        l1_ratio: ρ, share of the L1 penalty, in [0, 1]: 1 is l1, 0 is l2.
        proximal: leave the L1 part out of the gradient and shrink the weights by
            `lr · coef · l1_ratio` after each step, which makes exact zeros.

    Raises:
        ValueError: an argument outside its range, or proximal steps under weight norm.
    """

    def __init__(self, coef: float = 1e-4, l1_ratio: float = 0.5, proximal: bool = False) -> None:
        super().__init__()
        refuse_coef(coef)
        if not 0 <= l1_ratio <= 1:
            raise ValueError(f"l1_ratio must lie in [0, 1], got {l1_ratio}")
        self.coef, self.l1_ratio, self.proximal = coef, l1_ratio, proximal

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Refuse weights that cannot be shrunk directly."""
        if self.proximal:
            refuse_parametrized(model)

    def penalty(self, step: Step) -> Tensor:
        """Return the penalty, `()`; its L1 part without a gradient if the step takes care of it."""
        l1 = self.l1_ratio * absolute(step.model, step.loss)
        l2 = (1 - self.l1_ratio) / 2 * squares(step.model, step.loss)
        return self.coef * ((l1.detach() if self.proximal else l1) + l2)

    def after_step(self, model: nn.Module, lr: float) -> None:
        """Shrink the weights."""
        if self.proximal:
            shrink(model, self.coef * self.l1_ratio, lr, self.group_rates)
