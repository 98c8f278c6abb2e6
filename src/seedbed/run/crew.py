"""The processes that a run has started: none of them outlives it, and it says which one failed.

Beside what Lightning and torch do: a rank that is killed, raises or stands still ends the run in
bounded time with its name; data workers and ranks end when the process that started them does,
however it ends.
"""

import atexit
import contextlib
import importlib
import json
import multiprocessing
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from seedbed.run.stop import Interrupted

GRACE = 5.0  # seconds to end by itself, before a process is killed
POLL = 0.5  # seconds
SILENT = re.compile(  # what a rank says of others that have gone or do not answer
    r"connection (closed|reset|was)|timed? ?out|broken pipe|peer|gloo|nccl|socket|sendbytes",
    re.IGNORECASE,
)


class Crew:
    """The ranks that this process has started, and what has become of them.

    Args:
        reports: folder in which each leaves why it failed.
        at_death: called with the reason when one has died and this process does not notice.
    """

    def __init__(self, reports: Path, at_death: Callable[[str], None]) -> None:
        self.reports, self.at_death = reports, at_death
        self.ranks: Sequence[subprocess.Popen[bytes]] = ()
        self.over = threading.Event()

    def watch(self, ranks: Sequence[subprocess.Popen[bytes]]) -> None:
        """Look after these processes, ranks 1, 2 and so on."""
        self.ranks = ranks
        threading.Thread(target=self._look, daemon=True, name="crew").start()

    def _look(self) -> None:
        while not self.over.wait(POLL):
            if any(rank.poll() for rank in self.ranks):
                if not self.over.wait(4 * GRACE):  # collectives with the dead fail by then
                    self.at_death(self.reason() or "a process of the run died")
                return

    def reason(self) -> str | None:
        """Return why a rank failed first, None if none did; wait a little for it to be known."""
        end = time.monotonic() + GRACE
        while self.ranks and time.monotonic() < end:
            if found := self.told() or self.killed():
                return found
            time.sleep(POLL / 5)
        still = [n for n, rank in enumerate(self.ranks, 1) if rank.poll() is None]
        silent = [n for n in still if not (self.reports / f"{n}.json").exists()]
        names = ", ".join(f"rank {n} (pid {self.ranks[n - 1].pid})" for n in silent)
        return f"{names} did not answer" if silent else None

    def told(self) -> str | None:
        """Return the first reason that a rank gave and that is its own."""
        for file in sorted(self.reports.glob("*.json"), key=lambda f: f.stat().st_mtime_ns):
            said = json.loads(file.read_text())["error"]
            if not SILENT.search(said):
                return f"rank {file.stem}: {said}"
        return None

    def killed(self) -> str | None:
        """Return which rank was ended by a signal."""
        for n, rank in enumerate(self.ranks, 1):
            if (rank.poll() or 0) < 0:
                name = signal.Signals(-rank.returncode).name
                return f"rank {n} (pid {rank.pid}) was killed by {name}"
        return None

    def interrupted(self) -> int:
        """Return the signal that one of the ranks was asked to end by, 0 if none was."""
        codes = [rank.poll() or 0 for rank in self.ranks]
        asked = [code - 128 for code in codes if 128 < code < 128 + signal.NSIG]
        return max(asked, default=0)

    def end(self, grace: float = GRACE) -> None:
        """See every process out; kill those that stay longer than `grace` seconds."""
        self.over.set()
        end = time.monotonic() + grace
        for rank in self.ranks:
            with contextlib.suppress(subprocess.TimeoutExpired):
                rank.wait(max(0.0, end - time.monotonic()))
        for rank in self.ranks:
            if rank.poll() is None:
                rank.kill()
                rank.wait()


class Lost(RuntimeError):
    """A process of the run has gone or does not answer."""

    says_it_all = True  # no traceback would add to it


LED: list[Crew] = []  # the crew of this process, if it has one


@contextlib.contextmanager
def led(crew: Crew) -> Iterator[None]:
    """Look after the ranks that Lightning starts meanwhile, and say why one of them failed.

    Raises:
        Lost: this process failed because another one had.
        Interrupted: another one was asked to end.
    """
    LED[:] = [crew]
    try:
        yield
    except Exception as error:
        reason = crew.reason() if is_consequence(error) else None
        if number := crew.interrupted():
            raise Interrupted(number) from error
        if reason:
            raise Lost(reason) from error
        raise
    finally:
        LED.clear()
        crew.end()


def kill_workers() -> None:
    """Kill the data workers of this process; at its end it would wait for them for ever."""
    workers = multiprocessing.active_children()
    here = workers and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL) if here else None  # torch would complain
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.join(GRACE)
    if here:
        signal.signal(signal.SIGCHLD, before)


# What is registered last runs first, and multiprocessing's own waits for workers for ever.
importlib.import_module("multiprocessing.util")
atexit.register(kill_workers)


def report(reports: Path, error: BaseException) -> None:
    """Leave why this rank failed for the first one to read."""
    reports.mkdir(parents=True, exist_ok=True)
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    part = reports / f"{os.environ.get('LOCAL_RANK', '0')}.part"
    part.write_text(json.dumps({"error": said}))
    part.replace(part.with_suffix(".json"))


def is_consequence(error: BaseException) -> bool:
    """Return whether an error only says that another process has gone or does not answer."""
    kind = type(error).__name__.startswith("Dist") or isinstance(error, RuntimeError | OSError)
    return kind and SILENT.search(f"{type(error).__name__} {error}") is not None


def end_with_parent() -> None:
    """End this process soon after the one that started it, however that ends."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(POLL)
        kill_workers()
        os._exit(1)

    threading.Thread(target=look, daemon=True, name="parent").start()


def end_parent() -> bool:
    """Kill the first rank if it does not end by itself; return whether that was necessary."""
    parent, end = os.getppid(), time.monotonic() + 2 * GRACE
    while time.monotonic() < end:
        if os.getppid() != parent:
            return False
        time.sleep(POLL)
    os.kill(parent, signal.SIGKILL)
    return True
