"""How a run stands, and how it ended: `status.json`, with a sign of life while it runs.

No torch here.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from seedbed.atomic import overwrite
from seedbed.run.folder import Refused, as_json, read_json, write_json
from seedbed.run.stop import Interrupted
from seedbed.secret import redacted

OK, FAILED, INTERRUPTED, DIVERGED = "ok", "failed", "interrupted", "diverged"
PRUNED = "pruned"  # its sweep had better ones
BEAT = 10.0  # seconds between two signs of life in status.json
FRESH = 6 * BEAT  # for which a sign of life counts
LOST = "lost"  # what a reader calls a run that says running and shows no sign of life


class Record:
    """How a run stands, kept in its `status.json`; while it runs, with a sign of life.

    Args:
        out: the folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.start = time.time()
        self.before = read_json(out / "status.json")
        self.status: dict[str, Any] = {
            "status": "running",
            "after": self.before.get("status", "nothing"),  # how its earlier part ended
            "started": now(),
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }
        self.over = threading.Event()
        self.writing = threading.Lock()
        self.beat()
        self.thread = threading.Thread(target=self._live, daemon=True, name="heartbeat")
        self.thread.start()

    def beat(self) -> None:
        """Write that the run lives; nothing once it has ended."""
        with self.writing:
            if not self.over.is_set():
                tell(self.out, self.status | {"heartbeat": now()})

    def _live(self) -> None:
        while not self.over.wait(BEAT):
            with contextlib.suppress(OSError):  # a full disk; training will notice
                self.beat()

    def end(self, said: Mapping[str, str]) -> None:
        """Write how it ended; the first to say so is right."""
        with self.writing:
            if not self.over.is_set():
                self.over.set()
                took = {"ended": now(), "seconds": round(time.time() - self.start, 1)}
                tell(self.out, self.status | dict(said) | took)

    def take_back(self) -> None:
        """Leave the status as it was before: the command was refused."""
        with self.writing:
            self.over.set()
            if self.before:
                tell(self.out, self.before)


@contextlib.contextmanager
def recorded(out: Path) -> Iterator[Record]:
    """Keep in `status.json` how the run stands: running, ok, failed, diverged and so on."""
    record = Record(out)
    try:
        yield record
        record.end({"status": OK})
    except Refused as error:
        if record.before:
            record.take_back()
        else:
            record.end(verdict(error))
        raise
    except BaseException as error:
        record.end(verdict(error))
        raise


def now() -> str:
    """Return the time with its zone, in seconds."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def tell(out: Path, status: Mapping[str, Any]) -> None:
    """Write how a run stands, over the old words where a full disk takes no new file."""
    file = out / "status.json"
    try:
        write_json(file, status)
    except OSError:
        if not file.is_file():
            raise
        overwrite(file, as_json(status))


def verdict(error: BaseException) -> dict[str, str]:
    """Return the status and the reason that an exception stands for."""
    if isinstance(error, Interrupted):
        return {"status": INTERRUPTED, "error": f"interrupted by {error}"}
    kind = getattr(error, "status", FAILED)
    said = str(error).strip() or "without a word"
    return {"status": kind, "error": redacted(f"{type(error).__name__}: {said}".splitlines()[0])}


def standing(out: Path) -> str:
    """Return how a run stands; `lost` if it says running and has shown no sign of life.

    That is what remains of a process that was killed, or whose machine went down.
    """
    return standing_of(read_json(out / "status.json"))


def standing_of(status: Mapping[str, Any]) -> str:
    """Return how a run stands by what its `status.json` says."""
    if status.get("status") != "running":
        return str(status.get("status", "refused"))
    return "running" if alive(status) else LOST


def alive(status: Mapping[str, Any]) -> bool:
    """Return whether the process that writes this status is there, as far as one can tell."""
    here = status.get("host") == socket.gethostname()
    if here and not there(status):
        return False
    beat = datetime.fromisoformat(status.get("heartbeat") or status["started"]).astimezone()
    return time.time() - beat.timestamp() < FRESH


def there(said: Mapping[str, Any]) -> bool:
    """Return whether the process of this machine exists that wrote its `pid`."""
    try:
        os.kill(int(said["pid"]), 0)
    except PermissionError:
        return True  # somebody else's
    except (KeyError, TypeError, ValueError, ProcessLookupError):
        return False
    return True


def begun(run: Path) -> bool:
    """Return whether a run has saved a state to go on from; else it starts as it was asked to."""
    finished = OK in (standing(run), read_json(run / "status.json").get("after"))
    return finished or any((run / "checkpoints").glob("*.ckpt"))
