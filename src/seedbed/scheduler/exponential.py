"""Exponential decay of the learning rate."""

from seedbed.scheduler._warmup import Warmup
from seedbed.types import Clock


class Exponential(Warmup):
    """Multiplies the rate by `gamma` every `every` epochs.

    Args:
        gamma: factor, in (0, 1]; .98 leaves .364 after 50 epochs.
        every: epochs between two falls, > 0.
        smooth: fall a little at every step, instead of all at once.
        warmup: epochs of linear warm-up first; the decay starts after it.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self, gamma: float = 0.95, every: float = 1, smooth: bool = False, warmup: float = 0.0
    ) -> None:
        super().__init__(warmup)
        if not 0 < gamma <= 1:
            raise ValueError(f"gamma must lie in (0, 1], got {gamma}")
        if every <= 0:
            raise ValueError(f"every must be more than 0 epochs, got {every}")
        self.gamma, self.every, self.smooth = gamma, every, smooth

    def after(self, clock: Clock) -> float:
        """Return gamma to the power of the falls so far."""
        falls = clock.step / (self.every * clock.per_epoch)
        # 99 / (1.1 · 90) is .9999999999999999: a fall must not come a step late by rounding.
        return self.gamma ** (falls if self.smooth else int(falls + 1e-9))
