"""He initialisation: keeps the variance of signals through ReLUs.

Source: He et al. 2015, "Delving Deep into Rectifiers", eq. 10, https://arxiv.org/abs/1502.01852.
"""

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class He:
    """Normal weights of standard deviation √(2 / n_in) and zero biases."""

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"))
