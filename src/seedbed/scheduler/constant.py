"""A constant learning rate.

Formula: η(t) = η
Source: Robbins & Monro 1951, "A Stochastic Approximation Method", on why a rate that never falls
ends in noise, https://doi.org/10.1214/aoms/1177729586.
"""

from seedbed.scheduler._warmup import Warmup
from seedbed.types import Clock


class Constant(Warmup):
    """Keeps the rate as it is.

    Args:
        warmup: epochs of linear warm-up first.

    Raises:
        ValueError: `warmup` is negative.
    """

    def after(self, clock: Clock) -> float:
        """Return 1."""
        return 1.0
