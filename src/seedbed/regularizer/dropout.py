"""Dropout: hidden units that are zeroed at random while training.

Formula: y = m x / (1-p), m ~ Bernoulli(1-p); y = x at evaluation
Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", section 4, https://jmlr.org/papers/v15/srivastava14a.html
"""

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from seedbed.types import Regularizer, Spec


class Dropout(Regularizer):
    """Zeroes each unit before every dropout layer of the model with probability p.

    It overrides what model.dropout says.

    Args:
        p: share of units that are zeroed in a training step, in [0, 1).

    Raises:
        ValueError: `p` lies outside its range, or the model has no dropout layer.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p must lie in [0, 1), got {p}")
        self.p = p

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Set p on every dropout layer."""
        layers = [module for module in model.modules() if isinstance(module, _DropoutNd)]
        if not layers:
            raise ValueError("the model has no dropout layer")
        for layer in layers:
            layer.p = self.p
