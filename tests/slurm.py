"""A SLURM of one machine: `sbatch`, `srun`, `scontrol`, `sacct` and `scancel` in one script.

It starts what a batch script asks for, as one job or an array of jobs, with the environment that
SLURM gives, and starts a job again that asks to be queued again.  Each name is a link to this file;
what it knows lies in `$FAKE_SLURM`.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

TOOLS = ("sbatch", "srun", "scontrol", "sacct", "scancel")
STATE = Path(os.environ.get("FAKE_SLURM", "."))
FIRST = 70  # the number of the first job


def install(folder: Path) -> dict[str, str]:
    """Put the tools into a folder and return the environment that finds them."""
    tools = folder / "bin"
    tools.mkdir()
    for name in TOOLS:
        link = tools / name
        link.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {name} "$@"\n')
        link.chmod(0o755)
    (folder / "state").mkdir()
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "FAKE_SLURM": str(folder / "state")}


def sbatch(words: Sequence[str]) -> None:
    """Start a script in the background, once for each task of its array, and name the job."""
    script = Path(words[-1])
    asked = re.findall(r"^#SBATCH --([\w-]+)(?:[= ](.+))?$", script.read_text(), re.MULTILINE)
    options = {name: value.strip('"') for name, value in asked}
    number = FIRST + len(list(STATE.glob("*.job")))
    (STATE / f"{number}.job").write_text(repr(options))
    last = re.match(r"0-(\d+)%\d+", options.get("array", ""))
    names = [f"{number}_{k}" for k in range(int(last[1]) + 1)] if last else [str(number)]
    for name in names:
        command = [sys.executable, __file__, "run", name, str(script.resolve())]
        command += [options.get("nodes", "1"), options.get("ntasks-per-node", "1")]
        null = subprocess.DEVNULL  # sbatch's caller waits for the end of its output
        subprocess.Popen(command, start_new_session=True, stdout=null, stderr=null)
    sys.stdout.write(f"Submitted batch job {number}\n")


def run(words: Sequence[str]) -> None:
    """Run one job until it does not ask to be queued again."""
    name, script, nodes, each = words
    job, _, task = name.partition("_")
    own = str(int(job) + 100 * (1 + int(task))) if task else job  # each task of an array has one
    here = {"SLURM_JOB_ID": own, "SLURM_JOB_NAME": "sweep", "SLURM_JOB_NUM_NODES": nodes}
    here |= {"SLURM_NNODES": nodes, "SLURM_NTASKS": str(int(nodes) * int(each))}
    here |= {"SLURM_NTASKS_PER_NODE": each, "SLURM_JOB_NODELIST": "127.0.0.1"}
    here |= {"SLURM_NODELIST": "127.0.0.1", "MASTER_ADDR": "127.0.0.1"}
    if task:
        here |= {"SLURM_ARRAY_JOB_ID": job, "SLURM_ARRAY_TASK_ID": task}
    (STATE / f"{name}.state").write_text("RUNNING")
    for count in range(10):
        again = {"SLURM_RESTART_COUNT": str(count)} if count else {}
        with (STATE / f"{name}.out").open("ab") as out:
            subprocess.run(
                ["/bin/bash", script],
                env=os.environ | here | again,
                stdout=out,
                stderr=out,
                check=False,
            )
        if not (STATE / f"{name}.requeue").exists():
            break
        (STATE / f"{name}.requeue").unlink()
    (STATE / f"{name}.state").write_text("COMPLETED")


def srun(words: Sequence[str]) -> None:
    """Start the tasks of a step, each in a process group that a signal can reach as a whole."""
    rest = list(words)
    while rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag in ("--output", "--error"):
            rest.pop(0)
    tasks, each = (int(os.environ[f"SLURM_{k}"]) for k in ("NTASKS", "NTASKS_PER_NODE"))
    started = []
    for rank in range(tasks):
        place = {"SLURM_PROCID": rank, "SLURM_LOCALID": rank % each, "SLURM_NODEID": rank // each}
        own = {name: str(value) for name, value in place.items()} | {"SLURM_STEP_ID": "0"}
        started.append(subprocess.Popen(rest, env=os.environ | own, start_new_session=True))
    sys.exit(max(process.wait() for process in started))


def scontrol(words: Sequence[str]) -> None:
    """Note that a job is to be queued again, and end it as SLURM does."""
    what, name = words
    assert what == "requeue"
    (STATE / f"{name}.requeue").touch()


def sacct(words: Sequence[str]) -> None:
    """Say how every job stands."""
    lines = ["JobID|State|NodeList"]
    lines += [f"{f.stem}|{f.read_text()}|127.0.0.1" for f in sorted(STATE.glob("*.state"))]
    sys.stdout.write("\n".join(lines) + "\n")


def scancel(words: Sequence[str]) -> None:
    """Note what was cancelled; here nothing ever waits in a queue."""
    with (STATE / "cancelled").open("a") as file:
        file.write(" ".join(words) + "\n")


def time_is_nearly_over(run: int) -> None:
    """Send to all processes of a job's step what submitit asks SLURM to send."""
    os.killpg(os.getpgid(run), signal.SIGUSR2)
    time.sleep(0.1)


if __name__ == "__main__":
    vars()[sys.argv[1]](sys.argv[2:])
