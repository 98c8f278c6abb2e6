"""One process at a time in a run folder, and a folder that a killed one left in order.

The lock is the operating system's, so it ends with the process, however that ends.  It is held on
the file `.lock`, which says to the others who holds it; data workers do not inherit it.
"""

import contextlib
import errno
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from seedbed.atomic import PART
from seedbed.run.folder import BEFORE_CONFIG, Refused, read_json
from seedbed.run.status import FRESH, there

NAME = ".lock"
HELD: set[str] = set()  # by this process, to which the system would grant a lock twice


@contextlib.contextmanager
def locked(out: Path, asked: str) -> Iterator[None]:
    """Keep every other process from writing into a run folder, and remove torn files from it.

    Args:
        out: the folder; made if need be.
        asked: how the user named it, `run=<folder>` or `out=<folder>`.

    Raises:
        Refused: another process is at work there, or the folder cannot be written to.
    """
    file, key = _take(out, asked), os.path.realpath(out)
    since = f"{datetime.now():%Y-%m-%d %H:%M}"
    HELD.add(key)
    try:
        _refuse_elsewhere(out, asked)
        _tell(file, {"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        tidy(out)
        yield
    finally:
        HELD.discard(key)
        with contextlib.suppress(OSError):
            file.truncate(0)
        file.close()  # which gives the lock back


def refuse_taken(out: Path) -> None:
    """Look whether a new run can have a folder.

    Raises:
        Refused: it holds a run, or something else.
    """
    if (out / "config.yaml").exists():
        raise Refused(f"out={out}: holds a run already; go on from it with run={out}")
    if out.exists() and (not out.is_dir() or any(not of_a_start(p) for p in out.iterdir())):
        raise Refused(f"out={out}: exists and is not empty")


def of_a_start(file: Path) -> bool:
    """Return whether a file is one that a start writes before its config."""
    return file.name == NAME or file.name in BEFORE_CONFIG or file.match(PART)


def tidy(out: Path) -> None:
    """Remove what killed processes left of files that were not yet complete."""
    for folder in (out, out / "checkpoints"):
        for part in folder.glob(PART):
            with contextlib.suppress(OSError):
                part.unlink()


def _take(out: Path, asked: str) -> BinaryIO:
    """Return the lock file, open and locked."""
    if os.path.realpath(out) in HELD:  # to open the file once more would give the lock back
        raise Refused(f"{asked}: this process is training there already")
    for _ in range(100):
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"{asked}: the folder cannot be made ({error.strerror})") from error
        try:
            file = (out / NAME).open("a+b")
        except FileNotFoundError:
            continue  # its holder was refused and removed the folder
        except OSError as error:
            raise Refused(f"{asked}: cannot be written to ({error.strerror})") from error
        if not _granted(file):
            holder = _read(file)
            file.close()
            raise Refused(f"{asked}: another process ({_who(holder)}) is training there")
        if _still_there(file, out / NAME):
            return file
        file.close()  # what we locked was removed by its last holder
    raise Refused(f"{asked}: the folder comes and goes; nothing can be written there")


def _granted(file: BinaryIO) -> bool:
    """Return whether the system gives us the lock."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 20)  # beyond the words, which others must be able to read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        return not _alive(_read(file))  # a file system without locks: believe what is written
    return True


def _still_there(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _tell(file: BinaryIO, holder: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a full disk keeps nobody from the lock
        file.truncate(0)
        file.write(json.dumps(holder).encode())
        file.flush()


def _read(file: BinaryIO) -> dict[str, Any]:
    """Return what the holder of the lock wrote, {} if it had no time to."""
    try:
        file.seek(0)
        said = json.loads(file.read() or b"{}")
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _alive(holder: dict[str, Any]) -> bool:
    """Return whether the process that wrote these words on this machine is still there."""
    if holder.get("host") != socket.gethostname() or sys.platform == "win32":
        return False
    return there(holder)


def _who(holder: dict[str, Any]) -> str:
    if not holder:
        return "it has just begun"
    here = holder.get("host") == socket.gethostname()
    where = "this machine" if here else holder.get("host")
    return f"pid {holder.get('pid')} on {where}, since {holder.get('since')}"


def _refuse_elsewhere(out: Path, asked: str) -> None:
    """Raise if a run lives on another machine whose lock this one cannot see."""
    status = read_json(out / "status.json")
    host, beat = status.get("host"), status.get("heartbeat")
    if status.get("status") != "running" or host in (None, socket.gethostname()) or not beat:
        return
    with contextlib.suppress(ValueError, TypeError):
        if abs(time.time() - datetime.fromisoformat(beat).timestamp()) < FRESH:
            raise Refused(
                f"{asked}: another process (pid {status.get('pid')} on {host}) is training there; "
                f"if it is not, wait until its heartbeat is {FRESH:.0f} s old"
            )
