"""The space that a search draws from, said in Hydra's words: `a,b`, `range(…)`, `interval(…)`."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from seedbed.run.folder import Refused
from seedbed.sweep.groups import SEEDS

EDGE = 0.02  # of an interval, on its own scale: a best value so near to an end lies at it
FINE = 1e-3  # of an interval: values are said no finer than that


@dataclass(frozen=True)
class Named:
    """What varies.

    Args:
        key: what is set, with Hydra's `+`.
    """

    key: str

    @property
    def name(self) -> str:
        """The key as it is read."""
        return self.key.lstrip("+")


@dataclass(frozen=True)
class Choice(Named):
    """One of several values.

    Args:
        values: as a command line says them.
    """

    values: tuple[str, ...]

    def word(self, value: Any) -> str:
        """Return the override that says a value."""
        return f"{self.key}={value}"

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values that the gate must let through."""
        return self.values

    @property
    def size(self) -> float:
        """How many values there are."""
        return len(self.values)

    def edge(self, value: Any) -> str:
        """Return which end a value lies at, "" for none: a list has no ends."""
        return ""


@dataclass(frozen=True)
class Interval(Named):
    """A number between two others, both included.

    Args:
        low: the smallest.
        high: the largest.
        log: whether its logarithm is what is even.
        step: between two values; 0: there are no steps.
    """

    low: float
    high: float
    log: bool = False
    step: float = 0

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int) and self.step % 1 == 0

    def rounded(self, value: float) -> float:
        """Return a value with as many digits as tell anything, between the ends."""
        if self.whole:
            return round(value)
        digits = 4 if self.log else math.ceil(-math.log10(FINE * (self.high - self.low)))
        said = float(f"{value:.{digits}g}") if self.log else round(value, digits)
        return min(max(said, self.low), self.high)

    def word(self, value: float) -> str:
        """Return the override that says a value."""
        return f"{self.key}={self.rounded(value)!r}"

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values that the gate must let through."""
        return self.low, self.high

    @property
    def size(self) -> float:
        """How many values there are."""
        step = self.step or (1 if self.whole else 0)
        return round((self.high - self.low) / step) + 1 if step else math.inf

    def edge(self, value: float) -> str:
        """Return which end a value lies at, "" for none."""
        if math.isfinite(self.size):
            return "lower" if value <= self.low else "upper" if value >= self.high else ""
        low, at, high = (math.log(v) if self.log else v for v in (self.low, value, self.high))
        near = EDGE * (high - low)
        return "lower" if at - low <= near else "upper" if high - at <= near else ""


Axis = Choice | Interval


def read(words: Sequence[str]) -> list[Override]:
    """Return overrides that were typed and checked before.

    Raises:
        HydraException: one is none.
    """
    parser = OverridesParser.create()
    return [parser.parse_override(word) for word in words]


def space(overrides: Sequence[Override]) -> tuple[list[Axis], list[str]]:
    """Return what varies, and the words that all trials share.

    Raises:
        Refused: nothing varies, a seed does, or there is nothing between two ends.
    """
    varied = [o for o in overrides if o.is_sweep_override()]
    fixed = [str(o.input_line) for o in overrides if not o.is_sweep_override()]
    if not varied:
        raise Refused(
            "sweep=optuna: nothing varies; say where to search, as in "
            "'optimizer.lr=tag(log,interval(1e-4,1e-1))' or optimizer=sgd,adam"
        )
    axes = [axis(o) for o in varied]
    problems = [
        line for a, o in zip(axes, varied, strict=True) for line in slips(a, str(o.input_line))
    ]
    if problems:
        raise Refused("\n".join(problems))
    return axes, fixed


def axis(o: Override) -> Axis:
    """Return what one override lets vary."""
    key, value = o.get_key_element(), o.value()
    if isinstance(value, IntervalSweep):
        assert value.start is not None
        assert value.end is not None
        return Interval(key, value.start, value.end, "log" in value.tags)
    every = tuple(o.sweep_string_iterator())
    if isinstance(value, RangeSweep) and len(every) > 1:
        known = list(value.range())
        return Interval(key, min(known), max(known), step=abs(known[1] - known[0]))
    return Choice(key, every)


def slips(axis: Axis, line: str) -> Iterator[str]:
    """Yield what is wrong with an axis."""
    word = line.lstrip("+")
    if axis.name in SEEDS:
        yield f"{word}: a search that draws the seed finds luck; try seeds on what it has found"
    elif isinstance(axis, Choice):
        yield from () if axis.values else (f"{word}: there is no value in it",)
    elif not (math.isfinite(axis.low) and math.isfinite(axis.high)):
        yield f"{word}: both ends must be finite"
    elif not axis.low < axis.high:
        yield f"{word}: the first end must lie below the second"
    elif axis.log and axis.low <= 0:
        yield f"{word}: a logarithm needs ends above 0, got {axis.low:g}"


def corners(axes: Sequence[Axis]) -> Iterator[list[str]]:
    """Yield words that together say every end and every choice at least once, for the gate."""
    first = [axis.word(axis.probes[0]) for axis in axes]
    yield first
    for at, each in enumerate(axes):
        for value in each.probes[1:]:
            yield [*first[:at], each.word(value), *first[at + 1 :]]


def plain(axes: Sequence[Axis]) -> dict[str, Any]:
    """Return a space as plain data, to compare it with that of an older study."""
    return {axis.name: said(axis) for axis in axes}


def said(axis: Axis) -> str:
    """Return what an axis is, as it would be typed."""
    if isinstance(axis, Choice):
        return ",".join(axis.values)
    ends = f"{axis.low!r},{axis.high!r}"
    if axis.step:
        return f"range({axis.low!r},{axis.high + axis.step!r},{axis.step!r})"
    inside = f"int(interval({ends}))" if axis.whole else f"interval({ends})"
    return f"tag(log,{inside})" if axis.log else inside
