"""A job that SLURM stops and starts again goes on with its run, by the same command line.

`sbatch --signal=USR1@120 --requeue` sends SIGUSR1 two minutes before the time is over; the run
saves, asks for its job to be queued again, and ends.  So does one that is preempted with SIGTERM,
which SLURM itself queues again.
"""

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from seedbed.run.folder import read_json
from seedbed.run.status import OK

NOTES = Path("logs/.slurm")  # which run a job is at


def job() -> str | None:
    """Return the name of the job that this process is part of, None outside of SLURM."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    if array:
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID")


def note(argv: Sequence[str]) -> Path:
    """Return the file that says which run this command line of this job is at."""
    words = hashlib.sha256("\0".join(argv).encode()).hexdigest()[:12]
    return NOTES / f"{job()}-{words}.run"


def remember(argv: Sequence[str], out: Path) -> None:
    """Write down which run this job is at."""
    if job():
        file = note(argv)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(out.resolve()))


def restarted(argv: Sequence[str]) -> list[str] | None:
    """Return the command line of a job that was started again, None if it finished before."""
    if not job() or int(os.environ.get("SLURM_RESTART_COUNT") or 0) < 1:
        return list(argv)
    file = note(argv)
    run = Path(file.read_text()) if file.is_file() else None
    if run is None or not any((run / name).is_file() for name in ("config.yaml", "sweep.yaml")):
        return list(argv)
    if read_json(run / "status.json").get("status") == OK:
        return None
    kept = [
        word for word in argv if word.startswith(("trust=", "hydra/launcher", "hydra.launcher"))
    ]
    return [f"run='{run}'", *kept]


def requeue(number: int) -> str:
    """Ask for this job to be queued again if SIGUSR1 ended it; return what to say of it."""
    name = job()
    if number != signal.SIGUSR1 or not name:
        return ""
    scontrol = shutil.which("scontrol")
    if scontrol is None:
        return f"job {name} cannot be queued again: there is no scontrol\n"
    done = subprocess.run([scontrol, "requeue", name], check=False)  # noqa: S603 -- SLURM's own
    return f"job {name} {'is queued again' if done.returncode == 0 else 'was not queued again'}\n"
