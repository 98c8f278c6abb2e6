"""Xavier initialisation: keeps the size of signals and of gradients.

Formula: w ~ N(0, 2/(n_in + n_out))
Source: Glorot & Bengio 2010, "Understanding the Difficulty of Training Deep Feedforward Neural
Networks", eq. 12, https://proceedings.mlr.press/v9/glorot10a.html.
"""

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class Xavier:
    """Keeps signals and gradients of one size: std √(2/(n_in + n_out)), biases zero."""

    fills = True

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, lambda weight, n_in, n_out: weight.normal_(0, (2 / (n_in + n_out)) ** 0.5))
