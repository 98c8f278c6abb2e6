"""Warm-up, which almost every schedule can have, and the checks that they share."""

import math
from dataclasses import replace

from seedbed.types import Clock


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a value outside [low, high].

    Raises:
        ValueError: it is, or it is no number.
    """
    if not low <= value <= high:
        raise ValueError(f"{name} must lie in [{low:g}, {high:g}], got {value}")


def check_gamma(gamma: float) -> None:
    """Refuse a factor that would not let the rate fall.

    Raises:
        ValueError: it lies outside (0, 1].
    """
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma must lie in (0, 1], got {gamma}")


def check_every(every: float) -> None:
    """Refuse a distance between two falls that is none.

    Raises:
        ValueError: it is not positive, or not finite.
    """
    if not 0 < every < math.inf:
        raise ValueError(f"every must be more than 0 epochs, got {every}")


class Warmup:
    """Raises the rate linearly over the first epochs, then hands over to `after`.

    Args:
        warmup: epochs until the full rate, >= 0; may be a fraction.

    Raises:
        ValueError: `warmup` is negative or not finite.
    """

    needs_end = False  # whether the schedule spans the whole training

    def __init__(self, warmup: float = 0.0) -> None:
        if not 0 <= warmup < math.inf:
            raise ValueError(f"warmup must be at least 0 epochs, got {warmup}")
        self.warmup = warmup

    def steps(self, clock: Clock) -> int:
        """Return the updates that the warm-up takes."""
        return round(self.warmup * clock.per_epoch)

    def check(self, clock: Clock) -> None:
        """Refuse a training that the schedule does not go with.

        Raises:
            ValueError: the warm-up would never end, or an end is missing.
        """
        if self.needs_end and math.isinf(clock.total):
            raise ValueError(NO_END)
        if self.steps(clock) > clock.total:
            raise ValueError(
                f"warmup={self.warmup:g}: {self.steps(clock)} steps of warm-up do not fit into a "
                f"training of {clock.total:g}"
            )

    def __call__(self, clock: Clock) -> float:
        """Return the factor at this step: (step + 1) / warm-up steps, then `after`."""
        steps = self.steps(clock)
        if not steps:
            return self.after(clock)  # the clock started where training did
        if clock.step < steps:
            return (clock.step + 1) / steps
        return self.after(replace(clock, step=clock.step - steps, total=clock.total - steps))

    def after(self, clock: Clock) -> float:
        """Return the factor at a clock that started when the warm-up ended."""
        raise NotImplementedError


NO_END = "the schedule needs an end: set trainer.max_epochs or trainer.max_steps"


def progress(clock: Clock) -> float:
    """Return the share of training that is over, in [0, 1].

    It is 0 at the first update and would be 1 at the one after the last: the last update is made
    a step before the end of the curve, as with torch's schedules.

    Raises:
        ValueError: training has no end to measure it by.
    """
    if math.isinf(clock.total):
        raise ValueError(NO_END)
    return min(1.0, clock.step / clock.total) if clock.total > 0 else 1.0


def falls(clock: Clock, every: float) -> int:
    """Return how many times `every` epochs are over."""
    # 99 / (1.1 · 90) is .9999999999999999: a fall must not come a step late by rounding.
    return int(clock.step / (every * clock.per_epoch) + 1e-9)
