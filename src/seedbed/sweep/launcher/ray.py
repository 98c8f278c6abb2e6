"""Ray: a cluster of machines that share a disk, or one made on this machine for the sweep."""

import logging
import os
import re
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seedbed.run.folder import Refused
from seedbed.run.stop import NUMBERS
from seedbed.sweep.jobs import Job, Supply
from seedbed.sweep.launcher._queue import ENDLESS, wait_for
from seedbed.sweep.launcher._task import Task, tell
from seedbed.sweep.launcher.joblib import cores

NEEDS = "ray"
PATIENCE = 10.0  # seconds for a cluster to answer


@dataclass
class Launcher:
    """Hands every job to Ray, which starts as many at once as have room.

    Args:
        address: of the cluster's head, `host:6379` or `auto`; null: one on this machine.
        num_cpus: CPU cores a job.
        num_gpus: GPUs a job; a part of one is a share.

    Raises:
        ValueError: nobody answers at the address.
    """

    address: str | None = None
    num_cpus: float = 1
    num_gpus: float = 0
    logged = True

    def __post_init__(self) -> None:
        if place := re.fullmatch(r"(?:ray://)?(.+):(\d+)", self.address or ""):
            try:
                socket.create_connection((place[1], int(place[2])), PATIENCE).close()
            except (OSError, OverflowError) as error:  # Ray itself would try for minutes
                raise ValueError(f"address={self.address}: nobody answers ({error})") from error

    def launch(
        self, jobs: Supply, begun: Callable[[Job], None], ended: Callable[[Job, int], None]
    ) -> None:
        """Hand over every job and wait for them."""
        tell(jobs.folder, 0)
        ray = self.connected()
        try:
            needs = {"num_cpus": self.num_cpus, "num_gpus": self.num_gpus}
            obey = ray.remote(**needs, max_retries=0)(obeyed)
            handed: dict[int, tuple[Job, Any]] = {}

            def room() -> None:
                for job in jobs.take(ENDLESS):
                    begun(job)
                    handed[job.number] = job, obey.remote(Task(job))

            room()
            wait_for(handed, lambda ticket: code(ray, ticket), ended, room=room)
        finally:
            ray.shutdown()

    def connected(self) -> Any:
        """Return Ray, connected to its cluster.

        Raises:
            Refused: nobody answers there.
        """
        import ray

        ours = {number: signal.getsignal(number) for number in NUMBERS}
        os.environ.setdefault("RAY_worker_niceness", "0")  # 15: last of all on a busy machine
        local = {} if self.address else {"num_cpus": cores(), "include_dashboard": False}
        try:
            ray.init(
                address=self.address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                **local,
            )
        except ConnectionError as error:
            line = str(error).splitlines()[0]
            raise Refused(f"hydra.launcher.address={self.address}: {line}") from error
        for number, handler in ours.items():
            signal.signal(number, handler)  # Ray ends this process at SIGTERM
        return ray

    def end(self, number: int) -> None:
        """Leave the jobs alone: they have been told and save their states."""


def obeyed(task: Task) -> int:
    """Run a job; called by a worker of Ray."""
    return task()


def code(ray: Any, ticket: Any) -> int | None:
    """Return the exit code of what was handed over, None while it waits or runs."""
    done, _ = ray.wait([ticket], timeout=0)
    if not done:
        return None
    try:
        return int(ray.get(ticket))
    except ray.exceptions.RayError:  # its worker was killed
        return 1
