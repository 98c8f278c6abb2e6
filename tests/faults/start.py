"""Starting `train.py` with a fault in it, and looking at what is left of it."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zygote import Forked

HERE = Path(__file__).parent


@dataclass
class Ended:
    """How a command ended."""

    code: int
    seconds: float
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.strip().splitlines()


def start(folder: Path, *words: str, fault: Mapping[str, Any] | None = None, **env: str) -> Forked:
    """Start `train.py`, with a fault if one is given, in a process group of its own."""
    script = HERE / "fault.py" if fault else HERE.parent.parent / "train.py"
    extra = {"FAULT": json.dumps(fault)} if fault else {}
    return Forked(script, words, folder, os.environ | {"OMP_NUM_THREADS": "1"} | extra | env)


def ended(process: Forked, within: float = 120) -> Ended:
    """Wait for a process; one that hangs is a failure."""
    begun = time.monotonic()
    _, err = process.communicate(within)
    assert process.returncode is not None
    return Ended(process.returncode, time.monotonic() - begun, err)


def run(folder: Path, *words: str, fault: Mapping[str, Any] | None = None, **env: str) -> Ended:
    """Run `train.py` to its end."""
    return ended(start(folder, *words, fault=fault, **env))


def status(run: Path) -> dict[str, Any]:
    return json.loads((run / "status.json").read_text())


def alive(group: int, patience: float = 5) -> list[int]:
    """Return the processes of a group that do not end soon."""
    end = time.monotonic() + patience
    while (found := members(group)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def members(group: int) -> list[int]:
    """Return the living processes of a group."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, NotADirectoryError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry.name))
    return found
