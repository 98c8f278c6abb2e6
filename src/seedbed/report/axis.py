"""Axes of a chart: their range, where they have marks, and whether a logarithm suits them."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A range of numbers, mapped to [0, 1].

    Args:
        low: the least number that is shown.
        high: the greatest.
        log: whether equal factors are equal lengths.
    """

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a number lies, 0 at the low end and 1 at the high one."""
        low, high = self.scaled(self.low), self.scaled(self.high)
        return (self.scaled(value) - low) / (high - low)

    def scaled(self, value: float) -> float:
        """Return a number, or its logarithm."""
        return math.log10(value) if self.log else value

    def marks(self) -> list[float]:
        """Return the round numbers of the range, about five of them."""
        if not self.log:
            return round_numbers(self.low, self.high)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        step = max(1, len(decades) // 6)
        few = (1,) if len(decades) > 3 else (1, 2, 5)
        found = [m * 10.0**d for d in decades[::step] for m in few]
        shown = [value for value in found if self.low <= value * (1 + 1e-9) and value <= self.high]
        return shown if len(shown) > 1 else round_numbers(self.low, self.high)


def spanning(values: Sequence[float], *, log: bool = False, margin: float = 0.04) -> Axis:
    """Return an axis that shows all numbers, which are finite, with room at both ends."""
    low, high = min(values), max(values)
    if log:
        ends = math.log10(low), math.log10(high)
        room = margin * (ends[1] - ends[0]) or 0.1
        return Axis(10 ** (ends[0] - room), 10 ** (ends[1] + room), log=True)
    room = margin * (high - low) or abs(high) * 0.1 or 1.0
    return Axis(low - room, high + room)


def round_numbers(low: float, high: float) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten within a range."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def is_log_spaced(values: Sequence[float]) -> bool:
    """Return whether positive numbers of a decade or more are spaced by factors."""
    known = sorted(set(values))
    if len(known) < 3 or known[0] <= 0 or known[-1] < 10 * known[0]:
        return False
    return unevenness([math.log(v) for v in known]) < unevenness(known)


def unevenness(values: Sequence[float]) -> float:
    """Return the spread of the gaps between sorted numbers, in units of their mean."""
    gaps = [b - a for a, b in itertools.pairwise(values)]
    mean = sum(gaps) / len(gaps)
    return math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) / mean


def said(value: float) -> str:
    """Return a number for the mark of an axis."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.6g}"
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
