"""A job that another machine or another library starts: its command line, in a child process.

All that they share is the disk.  A file in the sweep's folder tells every job that runs to end,
wherever it runs, and those that have not begun not to.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from seedbed.run.child import SWEEP
from seedbed.sweep.jobs import Job

STOP = ".stop"  # in a sweep's folder: the number of the signal that it was asked to end by
POLL = 0.2  # seconds


@dataclass
class Task:
    """A job with what it needs where it runs.

    Args:
        job: what to run; it goes on if its folder holds a run.
    """

    job: Job
    script: str = field(default_factory=lambda: str(Path(sys.argv[0]).resolve()))
    directory: str = field(default_factory=os.getcwd)

    def __call__(self) -> int:
        """Run the command line and return its exit code."""
        os.chdir(self.directory)
        if asked := told(self.job.out.parent):
            return 128 + asked
        self.job.log.parent.mkdir(exist_ok=True)
        with self.job.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 -- our own
                [sys.executable, self.script, *self.words()],
                env=os.environ | {SWEEP: "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            return self.wait()

    def words(self) -> list[str]:
        """Return the command line: that of a new run, or of one that goes on."""
        if not (self.job.out / "config.yaml").is_file():
            return self.job.words
        trust = [word for word in self.job.words if word.startswith("trust=")]
        return [f"run='{self.job.out}'", *trust]

    def wait(self) -> int:
        """Wait for the process, and ask it to end when the sweep is asked to."""
        asked = 0
        while self.process.poll() is None:
            if not asked and (asked := told(self.job.out.parent)):
                self.process.send_signal(asked)
            time.sleep(POLL)
        return self.process.returncode

    def stop(self) -> None:
        """Let the run save its state and end, and wait for that."""
        with contextlib.suppress(AttributeError):  # it has not begun
            self.process.send_signal(signal.SIGUSR1)
            self.process.wait()


def tell(folder: Path, number: int) -> None:
    """Ask every job of a sweep to end, by the number of a signal; 0 lets them run again."""
    if number:
        (folder / STOP).write_text(str(number))
    else:
        (folder / STOP).unlink(missing_ok=True)


def told(folder: Path) -> int:
    """Return the number of the signal that a sweep was asked to end by, 0 if it was not."""
    try:
        return int((folder / STOP).read_text())
    except (OSError, ValueError):
        return 0
