"""Huber's loss: squared for small errors, absolute for large ones.

Formula: mean of ½ e² where |e| ≤ δ, else δ (|e| - ½ δ), with e = prediction - target
Source: Huber 1964, "Robust Estimation of a Location Parameter", Ann. Math. Stat. 35, example (iii),
    https://doi.org/10.1214/aoms/1177703732

Our own around torch's, because that accepts a δ of 0 until it is called.
"""

from math import inf

import torch.nn.functional as F
from torch import Tensor, nn


class Huber(nn.Module):
    """Fits real numbers without letting outliers rule: their gradient never exceeds delta.

    Args:
        delta: where the loss turns from a parabola into a line, in the units of the scaled
            target (standard deviations under target_scaling=standard), > 0.

    Raises:
        ValueError: `delta` is not positive.
    """

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        if not 0 < delta < inf:
            raise ValueError(f"delta must be positive and finite, got {delta}")
        self.delta = delta

    def forward(self, predictions: Tensor, y: Tensor) -> Tensor:
        """Return the mean over examples and values, `()`, of `(B, K)` and `(B, K)`."""
        return F.huber_loss(predictions, y, delta=self.delta)
