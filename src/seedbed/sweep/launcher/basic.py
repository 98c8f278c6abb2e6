"""One job after the other, on the terminal of the sweep."""

from dataclasses import dataclass

from seedbed.sweep.launcher._forks import Forking


@dataclass
class Launcher(Forking):
    """Runs one job after the other; each is forked from a process that has imported everything."""
