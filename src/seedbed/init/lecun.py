"""LeCun initialisation: keeps the variance of signals through linear layers.

Source: LeCun et al. 1998, "Efficient BackProp", eq. 16.
"""

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class LeCun:
    """Normal weights of standard deviation √(1 / n_in) and zero biases."""

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="linear"))
