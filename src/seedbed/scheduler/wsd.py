"""Warm-up, a long stable stretch, and a short fall at the end.

Formula: η(t) = η, in the last `decay` of training η (final + (1 - final) f(s)), f = 1 - s or 1 - √s
Source: Hu et al. 2024, "MiniCPM", section 4, https://arxiv.org/abs/2404.06395; the square root is
that of Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
Durations", section 3, https://arxiv.org/abs/2405.18392.
"""

from math import cos, pi, sqrt
from typing import Literal

from seedbed.scheduler._warmup import Warmup, check_range, progress
from seedbed.types import Clock

SHAPES = {  # share of the fall that is over -> what is left
    "linear": lambda share: 1 - share,
    "cosine": lambda share: (1 + cos(pi * share)) / 2,
    "sqrt": lambda share: 1 - sqrt(share),
}


class WSD(Warmup):
    """Keeps the full rate for long, so training can be extended, and falls only at the end.

    Args:
        decay: share of the whole training that the fall takes, in [0, 1].
        shape: of the fall: `linear`, `cosine`, or `sqrt`, which is 1 - √share.
        final: factor at the end, in [0, 1]; reached one step after the last update.
        warmup: epochs of linear warm-up first.

    Raises:
        ValueError: an argument outside its range.
    """

    needs_end = True

    def __init__(
        self,
        decay: float = 0.2,
        shape: Literal["linear", "cosine", "sqrt"] = "linear",
        final: float = 0.0,
        warmup: float = 0.0,
    ) -> None:
        super().__init__(warmup)
        check_range("decay", decay, 0, 1)
        check_range("final", final, 0, 1)
        if shape not in SHAPES:
            raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {shape!r}")
        self.decay, self.shape, self.final = decay, shape, final

    def check(self, clock: Clock) -> None:
        """Refuse a training that the schedule does not go with.

        Raises:
            ValueError: it has no end, or warm-up and fall together are longer.
        """
        super().check(clock)
        if self.steps(clock) > clock.total * (1 - self.decay) + 1e-9:
            raise ValueError(
                f"decay={self.decay:g} with warmup={self.warmup:g}: together longer than the "
                f"training of {clock.total:g} steps"
            )

    def after(self, clock: Clock) -> float:
        """Return 1 until the fall, then what is left of it."""
        over = progress(clock)  # or refuse a training without end
        length = self.decay * (clock.total + self.steps(clock))
        if over == 1:
            return self.final
        share = 1 - (clock.total - clock.step) / length if length else 0.0
        return self.final + (1 - self.final) * SHAPES[self.shape](max(0.0, share))
