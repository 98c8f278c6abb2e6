"""The space that a search draws from, said in Hydra's words: `a,b`, `range(…)`, `interval(…)`."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override

from seedbed.run.folder import Refused

EDGE = 0.02  # of an interval, on its own scale: a best value so near to an end lies at it


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Args:
        key: what is set, with Hydra's `+`.
        values: as a command line says them.
    """

    key: str
    values: tuple[str, ...]

    def word(self, value: str) -> str:
        """Return the override that says a value."""
        return f"{self.key}={value}"

    @property
    def probes(self) -> tuple[str, ...]:
        """Values that the gate must let through."""
        return self.values

    def edge(self, value: str) -> str:
        """Return which end a value lies at, "" for none: a list has no ends."""
        return ""


@dataclass(frozen=True)
class Interval:
    """A number between two others, both included.

    Args:
        key: what is set, with Hydra's `+`.
        low: the smallest.
        high: the largest.
        log: whether its logarithm is what is even.
    """

    key: str
    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def word(self, value: float) -> str:
        """Return the override that says a value, to its last digit."""
        return f"{self.key}={value!r}"

    @property
    def probes(self) -> tuple[float, ...]:
        """Values that the gate must let through."""
        return self.low, self.high

    def edge(self, value: float) -> str:
        """Return which end a value lies at, "" for none."""
        low, at, high = (math.log(v) if self.log else v for v in (self.low, value, self.high))
        near = EDGE * (high - low)
        return "lower" if at - low <= near else "upper" if high - at <= near else ""


Axis = Choice | Interval


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
    problems: list[str] = []
    axes: list[Axis] = []
    for o in varied:
        word, value = str(o.input_line).lstrip("+"), o.value()
        if isinstance(value, IntervalSweep):
            axes.append(Interval(o.get_key_element(), value.start, value.end, "log" in value.tags))
            problems += slips(word, axes[-1])
        else:
            axes.append(Choice(o.get_key_element(), tuple(o.sweep_string_iterator())))
            problems += [] if axes[-1].probes else [f"{word}: there is no value in it"]
    if problems:
        raise Refused("\n".join(problems))
    return axes, fixed


def slips(word: str, axis: Interval) -> Iterator[str]:
    """Yield what is wrong with an interval."""
    if not (math.isfinite(axis.low) and math.isfinite(axis.high)):
        yield f"{word}: both ends must be finite"
    elif not axis.low < axis.high:
        yield f"{word}: the first end must lie below the second"
    elif axis.log and axis.low <= 0:
        yield f"{word}: a logarithm needs an end above 0, got {axis.low:g}"


def corners(axes: Sequence[Axis]) -> Iterator[list[str]]:
    """Yield words that together say every end and every choice at least once, for the gate."""
    first = [axis.word(axis.probes[0]) for axis in axes]  # type: ignore[arg-type]
    yield first
    for at, axis in enumerate(axes):
        for value in axis.probes[1:]:
            yield [*first[:at], axis.word(value), *first[at + 1 :]]  # type: ignore[arg-type]


def plain(axes: Sequence[Axis]) -> dict[str, Any]:
    """Return a space as plain data, to compare it with that of an older study."""
    return {
        axis.key.lstrip("+"): list(axis.values)
        if isinstance(axis, Choice)
        else [axis.low, axis.high, "log" if axis.log else "even"]
        for axis in axes
    }
