"""Half a cosine from the full learning rate down to its end.

Formula: η(t) = η (final + (1 - final) (1 + cos(πt/T)) / 2)
Source: Loshchilov & Hutter 2017, "SGDR", eq. 5 without restarts, https://arxiv.org/abs/1608.03983.
"""

from math import cos, pi

from seedbed.scheduler._warmup import Warmup, check_range, progress
from seedbed.types import Clock


class Cosine(Warmup):
    """Lowers the rate slowly, fast, slowly; unlike torch's, it stays down after the end.

    Args:
        final: factor at the end, in [0, 1]; reached one step after the last update.
        warmup: epochs of linear warm-up first; the cosine spans the rest.

    Raises:
        ValueError: an argument outside its range.
    """

    needs_end = True

    def __init__(self, final: float = 0.0, warmup: float = 0.0) -> None:
        super().__init__(warmup)
        check_range("final", final, 0, 1)
        self.final = final

    def after(self, clock: Clock) -> float:
        """Return final + (1 - final) · (1 + cos(π · progress)) / 2."""
        return self.final + (1 - self.final) * (1 + cos(pi * progress(clock))) / 2
