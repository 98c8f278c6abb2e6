"""Gaussian initialisation: one standard deviation for every layer.

With N(0, 1) a layer of width n multiplies the size of signals by √n; with `std` = 1/n they die.
The one that keeps them, `std` = 1/√n_in, is `init=lecun`.

Formula: w ~ N(0, std²)
Source: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks",
section 5, https://doi.org/10.1145/3065386.
"""

import math

from torch import nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class Gaussian:
    """Starts all layers with weights of one size: signals fade or grow with width and depth.

    Args:
        std: standard deviation of the weights, >= 0; at 0 no layer learns but the head, since
            all units are alike.  Biases are zero.

    Raises:
        ValueError: `std` lies outside its range.
    """

    fills = True

    def __init__(self, std: float = 0.01) -> None:
        if not 0 <= std < math.inf:
            raise ValueError(f"std must be at least 0 and finite, got {std}")
        self.std = std

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, lambda weight, n_in, n_out: weight.normal_(0, self.std))
