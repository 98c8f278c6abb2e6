"""What a run says when it ends before its time, and how to go on with it."""

import os
import shlex
import sys
import traceback
from pathlib import Path

from seedbed.atomic import full
from seedbed.run import slurm
from seedbed.run.child import SWEEP
from seedbed.run.folder import Differs, Unsound
from seedbed.run.project import again
from seedbed.run.status import DIVERGED, PRUNED, verdict
from seedbed.run.stop import Interrupted


def interrupted(wish: Interrupted, out: Path) -> int:
    """Say how to go on with a run that was asked to end, and return the exit code."""
    if SWEEP not in os.environ:  # the sweep speaks for its jobs
        sys.stderr.write(f"{slurm.requeue(wish.number)}interrupted by {wish}{hint(out)}\n")
    return wish.code


def hint(out: Path) -> str:
    """Return how to go on with a run; a rerun of one is simply asked for again."""
    if out.parent.name == "reruns":
        return f" ({out})"
    return f"; go on with:\npython train.py run={shlex.quote(str(out))}{again()}"


def broken(error: Exception, out: Path) -> int:
    """Say how a run ended that was not meant to, and return the exit code."""
    stands = verdict(error)["status"]
    if stands == PRUNED:
        sys.stderr.write(f"pruned: {error} ({out})\n")
        return 0
    if stands == DIVERGED:
        sys.stderr.write(f"diverged: {error}; a smaller optimizer.lr may help ({out})\n")
    elif isinstance(error, Differs | Unsound):
        sys.stderr.write(f"{error}\n{out}\n")
    elif line := full(error) or short(error):
        sys.stderr.write(f"failed: {line}{hint(out)}\n")
    else:
        traceback.print_exception(error)
        sys.stderr.write(f"failed: {out}\n")
    return 1


def short(error: Exception) -> str:
    """Return what went wrong where no traceback would add to it, else nothing."""
    if getattr(error, "says_it_all", False):
        return str(error)
    if "OutOfMemory" in type(error).__name__ or "t allocate memory" in str(error):
        return "there is not enough memory; a smaller data.batch_size or model needs less"
    return "there is not enough memory" if isinstance(error, MemoryError) else ""
