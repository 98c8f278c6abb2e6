"""submitit on this machine: what a sweep does under SLURM, tried before it goes there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.sweep.launcher._submitit import FOLDER, Submitting
from seedbed.sweep.launcher.joblib import at_once, cores

NEEDS = "submitit"


@dataclass
class Launcher(Submitting):
    """Runs several jobs at once, as submitit's tasks on this machine.

    Args:
        n_jobs: how many at once; -1: as many as there are cores, -2: one less, and so on.

    Raises:
        ValueError: no number of jobs, or no time to save.
    """

    n_jobs: int = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_jobs == 0:
            raise ValueError("n_jobs=0: a number of jobs is expected, or -1 for one a core")

    def executor(self, folder: Path) -> Any:
        """Return submitit's executor, set as this launcher is."""
        import submitit

        made = submitit.LocalExecutor(folder / FOLDER, self.max_num_timeout)
        made.update_parameters(
            timeout_min=self.timeout_min,
            signal_delay_s=self.signal_delay_s,
            gpus_per_node=self.gpus_per_node,
            tasks_per_node=self.tasks_per_node,
        )
        return made

    def room(self, running: int) -> int:
        """Return how many jobs more can be submitted."""
        return max(0, at_once(self.n_jobs, cores()) - running)
