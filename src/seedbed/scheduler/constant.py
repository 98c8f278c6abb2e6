"""A constant learning rate."""

from seedbed.scheduler._warmup import Warmup
from seedbed.types import Clock


class Constant(Warmup):
    """Keeps the rate as it is.

    Args:
        warmup: epochs of linear warm-up first.
    """

    def after(self, clock: Clock) -> float:
        """Return 1."""
        return 1.0
