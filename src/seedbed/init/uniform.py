"""Uniform initialisation: every weight between two bounds that do not depend on the layer.

Formula: w ~ U(-a, a), of standard deviation a/√3
Source: Rumelhart et al. 1986, "Learning Representations by Back-Propagating Errors" ("small
random weights"), https://doi.org/10.1038/323533a0.
"""

import math

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class Uniform:
    """Starts all layers with weights of one size: signals fade or grow with width and depth.

    Args:
        a: bound of the weights, >= 0; biases are zero.

    Raises:
        ValueError: `a` lies outside its range.
    """

    fills = True

    def __init__(self, a: float = 0.05) -> None:
        if not 0 <= a < math.inf:
            raise ValueError(f"a must be at least 0 and finite, got {a}")
        self.a = a

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, lambda weight, n_in, n_out: weight.uniform_(-self.a, self.a))
