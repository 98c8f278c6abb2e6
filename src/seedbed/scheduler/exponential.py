"""Exponential decay of the learning rate.

Formula: η(t) = η γ^⌊t / every⌋, or without ⌊⌋ if not in stairs
Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 8.3.1,
https://www.deeplearningbook.org.
"""

from seedbed.scheduler._warmup import Warmup, check_every, check_gamma, falls
from seedbed.types import Clock


class Exponential(Warmup):
    """Multiplies the rate by `gamma` every `every` epochs.

    Args:
        gamma: factor, in (0, 1]; .98 leaves .364 after 50 epochs.
        every: epochs between two falls, > 0.
        staircase: fall all at once, instead of a little at every step.
        warmup: epochs of linear warm-up first; the decay starts after it.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self, gamma: float = 0.95, every: float = 1, staircase: bool = True, warmup: float = 0.0
    ) -> None:
        super().__init__(warmup)
        check_gamma(gamma)
        check_every(every)
        self.gamma, self.every, self.staircase = gamma, every, staircase

    def after(self, clock: Clock) -> float:
        """Return gamma to the power of the falls so far."""
        if self.staircase:
            return self.gamma ** falls(clock, self.every)
        return self.gamma ** (clock.step / (self.every * clock.per_epoch))
