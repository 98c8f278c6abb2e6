"""A learning rate that falls on a straight line, or by equal stairs.

Formula: η(t) = η (1 - (1 - final) t/T), or η max(final, 1 - drop ⌊t / every⌋)
Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", eq. 8.14,
https://www.deeplearningbook.org.
"""

from seedbed.scheduler._warmup import Warmup, check_every, check_range, falls, progress
from seedbed.types import Clock


class Linear(Warmup):
    """Lowers the rate by the same amount at every step, or every few epochs.

    Args:
        final: factor at the end, in [0, 1], below which it never goes; without `drop` reached one
            step after the last update.
        drop: share of the full rate to subtract every `every` epochs, in [0, 1]; None draws a
            line from the full rate to `final` over the whole training instead.
        every: epochs between two falls, > 0; means nothing without `drop`.
        warmup: epochs of linear warm-up first; the fall starts after it.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        final: float = 0.0,
        drop: float | None = None,
        every: float = 1,
        warmup: float = 0.0,
    ) -> None:
        super().__init__(warmup)
        check_range("final", final, 0, 1)
        check_every(every)
        if drop is not None:
            check_range("drop", drop, 0, 1)
        self.final, self.drop, self.every = final, drop, every
        self.needs_end = drop is None

    def after(self, clock: Clock) -> float:
        """Return the height of the line, or of the stair."""
        if self.drop is None:
            return 1 - (1 - self.final) * progress(clock)
        left = 1 - self.drop * falls(clock, self.every)
        return max(self.final, left if left > 1e-12 else 0.0)  # ten times .1 is .999...
