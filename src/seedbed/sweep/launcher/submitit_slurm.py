"""submitit under SLURM: the jobs of a sweep are one array job."""

import math
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.run.folder import Refused
from seedbed.sweep.launcher._queue import ENDLESS
from seedbed.sweep.launcher._submitit import FOLDER, Submitting

NEEDS = "submitit"
OWN = (  # as submitit and sbatch call them
    *("partition", "account", "qos", "constraint", "nodes", "cpus_per_task"),
    *("array_parallelism", "signal_delay_s"),
)


@dataclass
class Launcher(Submitting):
    """Submits all jobs as one array; each saves its state when its time is over and goes on.

    Args:
        partition: where they run.
        account: who pays.
        qos: quality of service.
        constraint: features that a node must have.
        nodes: nodes a job.
        cpus_per_task: CPU cores a process.
        mem_gb: memory a node, in GB.
        array_parallelism: how many run at once at most.
        name: what squeue shows.

    Raises:
        Refused: there is no SLURM here.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    nodes: int = 1
    cpus_per_task: int | None = None
    mem_gb: float | None = None
    array_parallelism: int = 256
    name: str = "seedbed"

    def __post_init__(self) -> None:
        super().__post_init__()
        if missing := [name for name in ("sbatch", "srun") if shutil.which(name) is None]:
            raise Refused(
                f"hydra/launcher=submitit_slurm: there is no {' and no '.join(missing)} here; "
                "start the sweep on a machine of the cluster"
            )

    def executor(self, folder: Path) -> Any:
        """Return submitit's executor, set as this launcher is."""
        import submitit

        known = {name: getattr(self, name) for name in OWN}
        known |= {"time": math.ceil(self.timeout_min), "job_name": self.name}
        known |= {
            "ntasks_per_node": self.tasks_per_node,
            "gpus_per_node": self.gpus_per_node or None,
        }
        known |= {"mem": self.mem_gb and f"{math.ceil(1024 * self.mem_gb)}M"}
        made = submitit.SlurmExecutor(folder / FOLDER, self.max_num_timeout)
        made.update_parameters(**{key: value for key, value in known.items() if value is not None})
        return made

    def room(self, running: int) -> int:
        """Return how many jobs more can be submitted: all, as the queue is SLURM's."""
        return ENDLESS

    def cancel(self, ticket: Any) -> None:
        """Take a job out of the queue; one that runs has been told."""
        words = ["scancel", "--state=PENDING", ticket.job_id]
        subprocess.run(words, check=False)  # noqa: S603 -- SLURM's own
