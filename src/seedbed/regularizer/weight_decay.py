"""Weight decay: the optimizer's own way of keeping weights small.

Formula: SGD: w ← w - η (g + λ w); AdamW: w ← w (1 - η λ) apart from the gradient's step
Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", eq. 1 and algorithm 2,
    https://arxiv.org/abs/1711.05101
"""

from typing import Any

from seedbed.regularizer._sums import refuse_coef
from seedbed.types import Regularizer


class WeightDecay(Regularizer):
    """Sets the optimizer's weight decay: each step shrinks the weights a little.

    It reaches every parameter whose group has no weight decay of its own: with
    param_groups=no_decay biases and norm layers stay at 0.

    Args:
        coef: λ, the optimizer's `weight_decay`, >= 0.

    Raises:
        ValueError: `coef` is negative.
    """

    def __init__(self, coef: float = 0.01) -> None:
        super().__init__()
        refuse_coef(coef)
        self.coef = coef

    def on_groups(self, groups: list[dict[str, Any]]) -> None:
        """Set it where nothing is set."""
        for group in groups:
            group.setdefault("weight_decay", self.coef)
