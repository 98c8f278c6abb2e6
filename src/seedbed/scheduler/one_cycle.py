"""One cycle: up to the full learning rate, then down far below where it began.

Formula: η(t) from η/div_factor up to η, then down to η/(div_factor·final_div_factor), half cosines
Source: Smith & Topin 2019, "Super-Convergence: Very Fast Training of Neural Networks Using Large
Learning Rates", https://arxiv.org/abs/1708.07120.

Our own, because torch's takes one peak for all groups, raises after the end, and a resumed run
keeps its old end.
"""

from math import cos, inf, isinf, pi
from typing import Literal

from seedbed.scheduler._warmup import NO_END
from seedbed.types import Clock


def between(start: float, end: float, share: float, shape: str) -> float:
    """Return what lies at a `share` in [0, 1] of the way from `start` to `end`."""
    if shape == "linear":
        return start + (end - start) * share
    return end + (start - end) * (1 + cos(pi * share)) / 2


class OneCycle:
    """Trains at a high rate in the middle, which finds flat minima, and settles at the end.

    The peak is each group's own rate.  The curve is that of torch's OneCycleLR; its last point is
    the last update, and it stays there.

    Args:
        pct_start: share of training that goes up, in [0, 1].
        div_factor: full rate over that of the first update, >= 1.
        final_div_factor: first rate over the last, >= 1.
        anneal: `cos` or `linear`, the shape of both ways.

    Raises:
        ValueError: an argument outside its range.
    """

    needs_end = True

    def __init__(
        self,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        anneal: Literal["cos", "linear"] = "cos",
    ) -> None:
        if not 0 <= pct_start <= 1:
            raise ValueError(f"pct_start must lie in [0, 1], got {pct_start}")
        for name, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            if not 1 <= value < inf:
                raise ValueError(f"{name} must lie in [1, inf), got {value}")
        if anneal not in ("cos", "linear"):
            raise ValueError(f"anneal must be 'cos' or 'linear', got {anneal!r}")
        self.pct_start, self.anneal = pct_start, anneal
        self.first, self.last = 1 / div_factor, 1 / (div_factor * final_div_factor)

    def check(self, clock: Clock) -> None:
        """Refuse a training without end.

        Raises:
            ValueError: it has none.
        """
        if isinf(clock.total):
            raise ValueError(NO_END)

    def __call__(self, clock: Clock) -> float:
        """Return the height of the cycle at this step."""
        self.check(clock)
        peak, end = self.pct_start * clock.total - 1, clock.total - 1
        if clock.step >= end > peak:
            return self.last
        if clock.step <= peak:
            return between(self.first, 1.0, clock.step / peak if peak > 0 else 1.0, self.anneal)
        if end <= peak:  # all of it goes up
            return 1.0
        return between(1.0, self.last, (clock.step - peak) / (end - peak), self.anneal)
