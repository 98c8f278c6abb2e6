"""The jobs of a sweep: what each is told, and what is said of it while it runs."""

import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from seedbed.run.stop import WISH

OUTPUT = "output"  # folder in a sweep's for what jobs print that run beside others


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Args:
        number: its place in the sweep, which is the name of its folder.
        words: its whole command line, `out=` or `run=` included.
        out: its folder.
        said: what tells it from the others, for a reader.
        single: whether it is one process; several start themselves by the command line.
    """

    number: int
    words: list[str]
    out: Path
    said: str
    single: bool = True

    @property
    def log(self) -> Path:
        """The file for what it prints where several run at once."""
        return self.out.parent / OUTPUT / f"{self.number}.txt"


class Supply(Protocol):
    """Where a launcher takes its jobs from."""

    folder: Path  # of the sweep
    over: str  # why no more come, though more were asked for

    def __len__(self) -> int:
        """Return how many are still to come."""
        ...

    def take(self, room: int) -> list[Job]:
        """Return the jobs to begin now, at most so many; none while it waits for others to end."""
        ...

    def ended(self, job: Job) -> None:
        """Learn that a job has ended."""


class Queue:
    """Jobs that are all known from the start.

    Args:
        folder: of the sweep.
        jobs: in the order in which they begin.
    """

    def __init__(self, folder: Path, jobs: Iterable[Job]) -> None:
        self.folder, self.waiting, self.over = folder, deque(jobs), ""

    def __len__(self) -> int:
        """Return how many are still to come."""
        return len(self.waiting)

    def take(self, room: int) -> list[Job]:
        """Return the jobs to begin now."""
        return [self.waiting.popleft() for _ in range(min(room, len(self.waiting)))]

    def ended(self, job: Job) -> None:
        """Learn nothing: what comes next does not depend on it."""


def shown(words: Sequence[str]) -> str:
    """Return overrides in one line."""
    return " ".join(word.lstrip("+") for word in words)


def new(number: int, words: Sequence[str], folder: Path, trust: Sequence[str]) -> list[str]:
    """Return the command line of a job that has not begun."""
    return [*words, *trust, f"out='{folder / str(number)}'"]


def single(trainer: Mapping[str, Any]) -> bool:
    """Return whether a run with this trainer is one process."""
    devices, nodes = trainer.get("devices"), trainer.get("num_nodes")
    one = devices in (1, "1") or (isinstance(devices, list) and len(devices) == 1)
    return one and nodes in (None, 1)


class Voice:
    """Says what becomes of the jobs, on this process's own output.

    Args:
        logged: whether the jobs print into files, so that their end must be told.
    """

    def __init__(self, logged: bool) -> None:
        self.logged = logged

    def begun(self, job: Job) -> None:
        """Say that a job begins, and with what."""
        print(f"job {job.number}: {job.said}", flush=True)  # noqa: T201

    def ended(self, job: Job, code: int) -> None:
        """Say that a job has ended, and where to look if it has not ended well."""
        if not code and self.logged:
            line = last_line(job.log)
            how = line if line.startswith("pruned") else "has ended well"
            print(f"job {job.number} {how}", flush=True)  # noqa: T201
        if not code or WISH.asked:  # who was asked has told them all
            return
        why = last_line(job.log) if self.logged else ""
        sys.stderr.write(f"failed: {job.out} (exit code {code}){why and ': '}{why}\n")
        sys.stderr.flush()


def last_line(file: Path) -> str:
    """Return the last line of a file that says something, "" if there is none."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
