"""What benchmarks share: ratios of what took turns, and commands in processes of their own."""

import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

ROOT = Path(__file__).parent.parent


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the median, by bootstrap."""
    draw = random.Random(0)  # noqa: S311
    found = sorted(median(draw.choices(ratios, k=len(ratios))) for _ in range(2000))
    return found[50], found[-50]


def shown(ratios: Sequence[float], bar: float | None = None) -> str:
    """Return the median of ratios with its interval, and the bar that it is held against."""
    low, high = interval(ratios)
    missed = "" if bar is None or median(ratios) <= bar else ", **missed**"
    against = "" if bar is None else f" (bar {bar:.2f}{missed})"
    return f"{median(ratios):.2f} [{low:.2f}, {high:.2f}]{against}"


def row(cells: Iterable[object]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def train(words: Sequence[str], folder: str) -> float:
    """Return the CPU seconds of a run on one core, those of its children included.

    Raises:
        SystemExit: it did not end well.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "train.py"), *words]
    with TemporaryFile("w+") as said:
        child = subprocess.Popen(  # noqa: S603
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, used = os.wait4(child.pid, 0)  # of this child alone: others may run beside it
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(words)}: {said.read()[-500:]}")
    return used.ru_utime + used.ru_stime
