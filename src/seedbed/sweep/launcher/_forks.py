"""Jobs as processes that are forked from one that has imported everything.

Importing torch and Lightning takes seconds, forking a process that has takes milliseconds.  The
one that forks is multiprocessing's server: it runs no job itself, so what a job does, a crash or
memory that it never gives back, ends with the job's process.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, cast

from seedbed.run.child import SWEEP
from seedbed.run.stop import Interrupted, patiently
from seedbed.sweep.jobs import Job, Supply

METHODS = multiprocessing.get_all_start_methods()
METHOD = "forkserver" if "forkserver" in METHODS else "spawn"  # Windows cannot fork
WARM = "seedbed.sweep.launcher._warm"
Begun = Callable[[Job], None]
Ended = Callable[[Job, int], None]
PATIENCE = 10.0  # seconds that a second signal leaves to the jobs


@dataclass
class Forking:
    """A launcher whose jobs are forked."""

    logged = False
    forks: "Forks | None" = field(default=None, init=False)

    def slots(self, jobs: int) -> int:
        """Return how many of so many jobs run at once."""
        return min(1, jobs)

    def launch(self, jobs: Supply, begun: Begun, ended: Ended) -> None:
        """Run every job and wait for it."""
        self.forks = Forks(self.slots(len(jobs)), self.logged, begun, ended)
        self.forks.all(jobs)

    def end(self, number: int) -> None:
        """Send the jobs that run a second signal."""
        if self.forks is not None:
            self.forks.end(number)


class Forks:
    """Runs jobs, `slots` at once, and waits for them.

    Args:
        slots: how many run at once.
        logged: whether they print into files.
        begun: called with each job that begins.
        ended: called with each that has ended, and its exit code.
    """

    def __init__(self, slots: int, logged: bool, begun: Begun, ended: Ended) -> None:
        self.slots, self.logged, self.begun, self.ended = slots, logged, begun, ended
        self.running: dict[int, tuple[Job, Any]] = {}  # by what becomes readable at their end
        self.context = cast(Any, multiprocessing.get_context(METHOD))

    def all(self, jobs: Supply) -> None:
        """Run every job; pass on the signal that interrupts this, and wait for those that run.

        Raises:
            Interrupted: by that signal.
        """
        try:
            while (now := jobs.take(self.slots - len(self.running))) or self.running:
                for job in now:
                    self.start(job)
                self.reap()
        except Interrupted as wish:
            self.tell(wish.number)
            while self.running:
                self.reap()
            raise

    def start(self, job: Job) -> None:
        """Start a job in a process of its own; a signal waits until it is known to run."""
        self.begun(job)
        if METHOD == "forkserver" and job.single:  # heard by the server only before it starts
            self.context.set_forkserver_preload([WARM])
        log = str(job.log) if self.logged else ""
        arguments = (sys.argv[0], job.words, log, job.single)
        process = self.context.Process(target=obeyed, args=arguments)
        with patiently():
            process.start()
            self.running[process.sentinel] = (job, process)

    def reap(self) -> None:
        """Wait until a job has ended, and say so."""
        for sentinel in wait(list(self.running)):
            job, process = self.running[cast(int, sentinel)]
            process.join()
            del self.running[cast(int, sentinel)]
            code = process.exitcode
            process.close()
            self.ended(job, code)

    def tell(self, number: int) -> None:
        """Send a signal to all that run."""
        for _, process in list(self.running.values()):
            send(process.pid, number)

    def end(self, number: int) -> None:
        """Send a second signal to all that run and wait a little until they are gone."""
        pids = [process.pid for _, process in list(self.running.values())]
        until = time.monotonic() + PATIENCE
        while any(send(pid, number) for pid in pids) and time.monotonic() < until:
            number = 0  # from now on only look
            time.sleep(0.1)


def send(pid: int, number: int) -> bool:
    """Send a signal to a process and return whether it was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def obeyed(script: str, words: list[str], log: str, here: bool) -> None:
    """Do what a command line does; only ever called in a process of its own.

    Args:
        script: what python is given.
        words: what follows it.
        log: file for what is printed; "": where the sweep prints.
        here: in this process; else by the command line, which several processes start from.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the server ignores it
    os.environ[SWEEP] = "1"
    if log:
        Path(log).parent.mkdir(exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
    if not here:
        os.execv(sys.executable, [sys.executable, script, *words])  # noqa: S606 -- our own
    sys.argv = [script, *words]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out, an interpreter does not
