"""What the header of an experiment promises, in a form that a machine compares.

    # Command:  python train.py -m experiment=demo_clipping
    # Expected: callback=[]: diverged
    #           callback=[gradient_clip]: test/acc 0.92 ± 0.04, test/loss < 0.4
    # Figure:   train/loss over step, log
    # Time:     10 s

A claim is `diverged`, or bounds with a comma between: `metric value ± half`, `± percent %`,
`metric < value` or `metric > value`; `diverged or ` before them leaves both open.  Of a sweep, a
claim begins with words: it holds for the mean of all runs that have these words, so that of seeds
it is one for all.

`Figure` may be left out; panel.py says what it takes.
"""

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from panel import Panel, Unreadable, panel

LABEL = re.compile(r"# (Command|Expected|Figure|Time):\s+(\S.*)")
MORE = re.compile(r"# {4,}(\S.*)")  # a further line of what the label above says
WORDS = re.compile(r"((?:[\w./]+=\S* )*[\w./]+=\S*): (.+)")
NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
AROUND = re.compile(rf"(\S+) ({NUMBER}) ± ({NUMBER})( %)?")
BEYOND = re.compile(rf"(\S+) ([<>]) ({NUMBER})")
TIME = re.compile(r"(\d+(?:\.\d+)?) (s|min)")
DIVERGED = "diverged"
EITHER = f"{DIVERGED} or "


@dataclass(frozen=True)
class Bound:
    """Where a metric is to end."""

    metric: str
    low: float
    high: float
    text: str  # as it was written, without the metric

    def holds(self, value: float) -> bool:
        """Return whether a value lies within, the ends included but for `<` and `>`."""
        within = self.low <= value <= self.high
        return within and (self.text[0] not in "<>" or value not in (self.low, self.high))


@dataclass(frozen=True)
class Claim:
    """What becomes of the runs that have some words."""

    words: tuple[str, ...]
    bounds: tuple[Bound, ...]  # of those that end well; none: they all diverge
    diverged: bool = False  # whether they may

    def covers(self, words: Sequence[str]) -> bool:
        """Return whether it speaks of a run with these words."""
        return set(self.words) <= set(words)


@dataclass(frozen=True)
class Header:
    """What an experiment says of itself."""

    command: tuple[str, ...]  # after `python train.py`
    claims: tuple[Claim, ...]
    seconds: float  # on one CPU core
    panels: tuple[Panel, ...] = ()
    title: str = ""  # the first sentence of what it is


def read(text: str) -> Header:
    """Return the header of an experiment's file.

    Raises:
        Unreadable: something is missing, or in another form.
    """
    said = labelled(text)
    for label in ("Command", "Expected", "Time"):
        if label not in said:
            raise Unreadable(f"there is no line '# {label}: …'")
    command = shlex.split(" ".join(said["Command"]))
    if command[:2] != ["python", "train.py"]:
        raise Unreadable(f"Command: 'python train.py …' is expected, not {said['Command'][0]!r}")
    claims = tuple(claim(line) for line in said["Expected"])
    panels = tuple(panel(part) for line in said.get("Figure", ()) for part in line.split("; "))
    return Header(
        tuple(command[2:]), claims, seconds(" ".join(said["Time"])), panels, prose(said)[0]
    )


def labelled(text: str) -> dict[str, list[str]]:
    """Return the lines of each label; one is continued by lines that are set in.

    What has none is told by "".
    """
    found: dict[str, list[str]] = {"": []}
    label = ""
    for line in comments(text):
        if begun := LABEL.fullmatch(line):
            label = begun[1]
            if label in found:
                raise Unreadable(f"{label}: stands there twice")
            found[label] = [begun[2]]
        elif label and (more := MORE.fullmatch(line)):
            found[label].append(more[1])
        else:
            label = ""
            found[label].append(line.removeprefix("# "))
    return found


def prose(said: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what has no label: the first sentence and, if there is more, the rest."""
    told = " ".join(line for line in said[""] if not line.startswith("@"))
    return re.split(r"(?<=[.!?]) +(?=\S)", told, maxsplit=1)


def comments(text: str) -> Iterator[str]:
    """Yield the comment lines at the top."""
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line.rstrip()


def claim(line: str) -> Claim:
    """Return what one line of `Expected` says.

    Raises:
        Unreadable: it is in another form.
    """
    parted = WORDS.fullmatch(line)
    words, rest = (tuple(parted[1].split()), parted[2]) if parted else ((), line)
    if rest == DIVERGED:
        return Claim(words, (), diverged=True)
    either = rest.startswith(EITHER)
    bounds = tuple(bound(part) for part in rest.removeprefix(EITHER).split(", "))
    return Claim(words, bounds, diverged=either)


def bound(text: str) -> Bound:
    """Return where a metric is to end.

    Raises:
        Unreadable: it is in another form.
    """
    if found := AROUND.fullmatch(text):
        metric, value, half, percent = found[1], float(found[2]), float(found[3]), found[4]
        width = abs(value) * half / 100 if percent else half
        if not 0 < width < math.inf:
            raise Unreadable(f"Expected: {text!r}: a tolerance must be positive")
        return Bound(metric, value - width, value + width, text.removeprefix(f"{metric} "))
    if found := BEYOND.fullmatch(text):
        metric, side, value = found[1], found[2], float(found[3])
        low, high = (-math.inf, value) if side == "<" else (value, math.inf)
        return Bound(metric, low, high, f"{side} {found[3]}")
    raise Unreadable(
        f"Expected: {text!r}: 'metric value ± half', 'metric < value' or 'diverged' is expected"
    )


def seconds(text: str) -> float:
    """Return a time in seconds.

    Raises:
        Unreadable: it is in another form.
    """
    if not (found := TIME.fullmatch(text)):
        raise Unreadable(f"Time: {text!r}: '20 s' or '2.5 min' is expected")
    return float(found[1]) * (60 if found[2] == "min" else 1)
