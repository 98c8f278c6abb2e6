"""Several jobs at once on this machine, its cores divided among them."""

import os
from dataclasses import dataclass

from seedbed.run.environment import VARIABLES
from seedbed.sweep.launcher._forks import Forking

THREADS = [name for name in VARIABLES if name.endswith("_NUM_THREADS")]


@dataclass
class Launcher(Forking):
    """Runs several jobs at once, each in a process of its own.

    What is set of it is called as in joblib, whose own processes are not used: there a job that is
    killed ends all others.

    Args:
        n_jobs: how many at once; -1: as many as there are cores, -2: one less, and so on.

    Raises:
        ValueError: no number of jobs.
    """

    n_jobs: int = -1
    logged = True

    def __post_init__(self) -> None:
        if self.n_jobs == 0:
            raise ValueError("n_jobs=0: a number of jobs is expected, or -1 for one a core")

    def slots(self, jobs: int) -> int:
        """Return how many run at once, and divide the cores among them."""
        slots = min(at_once(self.n_jobs, cores()), jobs)
        if slots and not any(name in os.environ for name in THREADS):  # else the user knows better
            os.environ["OMP_NUM_THREADS"] = str(max(1, cores() // slots))
        return slots


def at_once(n_jobs: int, cores: int) -> int:
    """Return how many jobs run at once, counted back from the number of cores if negative."""
    return n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)


def cores() -> int:
    """Return how many cores this process may use."""
    ours = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(ours(0)) if ours else os.cpu_count() or 1
