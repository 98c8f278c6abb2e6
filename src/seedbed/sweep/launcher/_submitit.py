"""What the launchers of submitit share: it runs on this machine as it does under SLURM."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.run.stop import WISH
from seedbed.sweep.jobs import Job, Supply
from seedbed.sweep.launcher._queue import wait_for
from seedbed.sweep.launcher._task import Task, tell

FOLDER = ".submitit"  # in a sweep's, for what submitit writes


class Patient(Task):
    """A job that saves its state when its time is over, and goes on when it is queued again."""

    def checkpoint(self) -> Any:
        """Return what submitit is to queue again; it calls this when the time is nearly over."""
        import submitit

        self.stop()
        return submitit.helpers.DelayedSubmission(Patient(self.job, self.script, self.directory))


@dataclass
class Submitting:
    """A launcher of submitit.

    Args:
        timeout_min: minutes until a job saves its state and is queued again.
        signal_delay_s: seconds before that at which it begins to save.
        max_num_timeout: how often a job may be queued again.
        gpus_per_node: GPUs that a job sees.
        tasks_per_node: processes that a job is started as; the trainer needs as many devices.

    Raises:
        ValueError: there would be no time to save.
    """

    timeout_min: float = 60
    signal_delay_s: int = 120
    max_num_timeout: int = 100
    gpus_per_node: int = 0
    tasks_per_node: int = 1
    logged = True

    def __post_init__(self) -> None:
        if not 0 <= self.signal_delay_s < 60 * self.timeout_min:
            raise ValueError(
                f"signal_delay_s={self.signal_delay_s}: seconds within timeout_min="
                f"{self.timeout_min:g} minutes are expected"
            )

    def launch(
        self, jobs: Supply, begun: Callable[[Job], None], ended: Callable[[Job, int], None]
    ) -> None:
        """Submit every job, as many at once as there is room for, and wait for them."""
        tell(jobs.folder, 0)
        executor = self.executor(jobs.folder)
        handed: dict[int, tuple[Job, Any]] = {}

        def room() -> None:
            now = jobs.take(self.room(len(handed)))
            for job in now:
                begun(job)
            if now:
                tickets = executor.submit_array([Patient(job) for job in now])
                handed.update({j.number: (j, t) for j, t in zip(now, tickets, strict=True)})

        room()
        wait_for(handed, code, ended, self.cancel, room)

    def executor(self, folder: Path) -> Any:
        """Return submitit's executor, set as this launcher is."""
        raise NotImplementedError

    def room(self, running: int) -> int:
        """Return how many jobs more can be submitted."""
        raise NotImplementedError

    def cancel(self, ticket: Any) -> None:
        """Take a job out of the queue; those that run have been told."""

    def end(self, number: int) -> None:
        """Leave the jobs alone: they have been told and save their states."""


def code(ticket: Any) -> int | None:
    """Return the exit code of what was submitted, None while it waits or runs."""
    if not ticket.done(force_check=bool(WISH.asked)):  # else SLURM is asked now and then
        return None
    codes = [sub.exception() or sub.result() for sub in ticket._sub_jobs or [ticket]]
    return max((one if isinstance(one, int) else 1 for one in codes), key=abs)
