"""Warm-up, which every schedule can have."""

import math

from seedbed.types import Clock


class Warmup:
    """Raises the rate linearly over the first epochs, then hands over to `after`.

    Args:
        warmup: epochs until the full rate, >= 0; may be a fraction.

    Raises:
        ValueError: `warmup` is negative.
    """

    def __init__(self, warmup: float = 0.0) -> None:
        if warmup < 0:
            raise ValueError(f"warmup must be at least 0 epochs, got {warmup}")
        self.warmup = warmup

    def __call__(self, clock: Clock) -> float:
        """Return the factor at this step: (step + 1) / warm-up steps, then `after`."""
        steps = round(self.warmup * clock.per_epoch)
        if clock.step < steps:
            return (clock.step + 1) / steps
        return self.after(Clock(clock.step - steps, clock.total - steps, clock.per_epoch))

    def after(self, clock: Clock) -> float:
        """Return the factor at a clock that started when the warm-up ended."""
        raise NotImplementedError


def progress(clock: Clock) -> float:
    """Return the share of training that is over, in [0, 1].

    Raises:
        ValueError: training has no end to measure it by.
    """
    if math.isinf(clock.total):
        raise ValueError("the schedule needs an end: set trainer.max_epochs or trainer.max_steps")
    return min(1.0, clock.step / clock.total) if clock.total > 0 else 1.0
