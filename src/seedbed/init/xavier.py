"""Xavier initialisation: keeps the variance of signals in both directions.

Source: Glorot & Bengio 2010, "Understanding the Difficulty of Training Deep Feedforward Neural
Networks", eq. 12.
"""

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class Xavier:
    """Normal weights of standard deviation √(2 / (n_in + n_out)) and zero biases."""

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, nn.init.xavier_normal_)
