"""LeCun initialisation: keeps the size of signals through linear layers.

Formula: w ~ N(0, 1/n_in)
Source: LeCun et al. 1998, "Efficient BackProp", eq. 16, https://doi.org/10.1007/3-540-49430-8_2.
"""

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class LeCun:
    """Keeps signals of one size through linear layers: std √(1/n_in), biases zero."""

    fills = True

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, lambda weight, n_in, n_out: weight.normal_(0, (1 / n_in) ** 0.5))
