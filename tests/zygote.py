"""Commands in processes forked from one that has imported everything: what differs is the start.

Each is a process of its own, with its own memory, signals and exit code.  What all of them share is
the order of sets, so whether a result depends on it is tested with processes that Python starts.
"""

import atexit
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.connection import Client, Connection, Listener, wait
from pathlib import Path
from tempfile import TemporaryDirectory

WARM = "seedbed.sweep.launcher._warm"
SOCKET = "socket"  # where it is asked


class Forked:
    """A process that runs a script, with what is used of `subprocess.Popen`.

    Args:
        script: what Python would be given.
        words: what follows it.
        folder: where it runs.
        env: its environment, whole.
    """

    def __init__(
        self, script: Path, words: Sequence[str], folder: Path, env: Mapping[str, str]
    ) -> None:
        place = server()
        number = len(list(place.iterdir()))
        self.printed = [place / f"{number}.{name}" for name in ("out", "err")]
        for file in self.printed:
            file.touch()
        self.channel = Client(str(place / SOCKET))
        self.channel.send((script, words, folder, dict(env), self.printed))
        self.pid: int = self.channel.recv()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        if self.returncode is None and self.channel.poll():
            self.returncode = self.channel.recv()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end and return what was printed.

        Raises:
            TimeoutExpired: it has not ended by then.
        """
        if self.returncode is None and not self.channel.poll(timeout):
            raise subprocess.TimeoutExpired([], timeout or 0)
        self.poll()
        out, err = (file.read_text() for file in self.printed)
        return out, err

    def send_signal(self, number: int) -> None:
        """Send a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


@cache
def server() -> Path:
    """Start the process that forks, once, and return its folder; it ends with this one."""
    folder = TemporaryDirectory()
    forks = subprocess.Popen(
        [sys.executable, __file__, f"{folder.name}/{SOCKET}"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert forks.stdout is not None
    forks.stdout.readline()
    atexit.register(folder.cleanup)
    atexit.register(forks.communicate)  # what it reads has an end: nobody is left to ask
    return Path(folder.name)


def serve(address: str) -> None:
    """Fork a process for each command, until nobody is left to ask."""
    __import__(WARM)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    with Listener(address) as listener:
        os.write(1, b"ready\n")
        calls = listener._listener._socket  # pyright: ignore[reportAttributeAccessIssue]
        while 0 not in wait([calls, 0]):  # its end of the pipe is readable once the other is closed
            with listener.accept() as channel:
                if not os.fork():
                    attend(channel)


def attend(channel: Connection) -> None:
    """Fork once more, tell the pid, wait, and tell the exit code."""
    script, words, folder, env, files = channel.recv()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if not pid:
        channel.close()
        become(script, words, folder, env, files)
    channel.send(pid)
    _, status = os.waitpid(pid, 0)
    channel.send(os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(
    script: Path, words: Sequence[str], folder: Path, env: Mapping[str, str], files: list[Path]
) -> None:
    """Be the command, in a process group of its own; how it ends is how this process ends."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    sys.argv = [str(script), *words]
    sys.path[0] = str(script.parent)
    runpy.run_path(str(script), run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve(sys.argv[1])
