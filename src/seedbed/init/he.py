"""He initialisation: keeps the size of signals through ReLUs.

Formula: w ~ N(0, 2/n_in)
Source: He et al. 2015, "Delving Deep into Rectifiers", eq. 10, https://arxiv.org/abs/1502.01852.
"""

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class He:
    """Keeps signals of one size through layers with ReLU: std √(2/n_in), biases zero."""

    fills = True

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, lambda weight, n_in, n_out: weight.normal_(0, (2 / n_in) ** 0.5))
