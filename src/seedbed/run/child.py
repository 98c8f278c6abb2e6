"""A run as a process of its own: a job of a sweep, or what another run starts from."""

import ctypes
import os
import signal
import subprocess
import sys

from seedbed.run.stop import NUMBERS, Interrupted

SWEEP = "SEEDBED_SWEEP"  # environment: another process speaks for this one
AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of Linux's prctl

Running = list[subprocess.Popen[bytes]]  # the one that runs now, so that a signal can reach it


def child(overrides: list[str], running: Running) -> int:
    """Run one command line as the single run that it is and return its exit code."""
    command = [sys.executable, sys.argv[0], *overrides]
    with subprocess.Popen(command, env=os.environ | {SWEEP: "1"}) as process:  # noqa: S603
        running[:] = [process]
        try:
            return process.wait()
        except Interrupted as wish:
            process.send_signal(wish.number)  # where a terminal has not: twice at once is once
            process.wait()
            raise


def pass_on(running: Running, number: int) -> None:
    """End this process by a second signal, and before it the one that runs."""
    for process in running:
        process.send_signal(number)  # its second, too
        process.wait()
    os._exit(128 + number)


def be_a_job() -> None:
    """Be ready for what may reach a job of a sweep from outside, however it was launched.

    Where Linux can, it is interrupted when the process that started it is gone: then a sweep that
    is killed leaves no job behind, and none of them loses what it has learned.
    """
    if sys.platform == "win32":
        return
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)  # Ray blocks them, and we inherit that
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # SLURM's to submitit, which asks us in its way
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(AT_PARENTS_DEATH, int(signal.SIGTERM))
