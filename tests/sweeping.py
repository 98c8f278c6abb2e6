"""Sweeps in tests: what they run, where they lie, and whether two of them ended as one."""

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from same import differences
from start import Ended, ended, start, status

SHORT = [*TINY[:-2], "trainer.max_epochs=3", TINY[-1], "trainer.log_every_n_steps=2"]
LONG = [*SHORT, "trainer.max_epochs=30", "stages=fit", "logger=[csv]", "seed=0,1,2"]


def by(name: str, *words: str) -> Any:
    """Return the words for a launcher, left out where its library is not installed."""
    library = name.partition("_")[0]
    missing = library in ("ray", "submitit") and find_spec(library) is None
    why = f"needs {library}: pip install 'seedbed[{library}]'"
    marks = pytest.mark.skipif(missing, reason=why)
    return pytest.param([f"hydra/launcher={name}", *words], id=name, marks=marks)


def run(folder: Path, *words: str, **env: str) -> Ended:
    """Run `train.py` to its end, which takes longer for many jobs than for one."""
    return ended(start(folder, *words, fault=None, **env), within=400)


def sweep_in(folder: Path) -> Path:
    [found] = folder.glob("logs/sweeps/*")
    return found.relative_to(folder)


def wait_for(folder: Path, pattern: str, patience: float = 200) -> Path:
    end = time.monotonic() + patience
    while not (found := list(folder.glob(pattern))):
        assert time.monotonic() < end, f"{pattern} never came"
        time.sleep(0.02)
    return found[0]


def unlike(one: Path, two: Path, jobs: int = 3) -> list[str]:
    """Return in what two sweeps differ, to the last bit."""
    pairs = [(one / sweep_in(one) / str(n), two / sweep_in(two) / str(n)) for n in range(jobs)]
    found = [f"{a.name}: {status(a)['status']}" for _, a in pairs if status(a)["status"] != "ok"]
    return found + [f"{a.name}: {line}" for a, b in pairs for line in differences(a, b)]
