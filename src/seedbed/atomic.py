"""Files that are whole at every moment: the old one or the new one, whatever happens between.

The new content is written beside the old file, brought to the disk, and takes its name at once.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # no path: https:/…; but C:/ is a disk
PART = "*.part"  # what a killed process leaves of a file that was not yet complete
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # nobody's bug


class Unwritable(OSError):
    """A file that cannot be written: which, why, and what is left of it, in one line."""

    def __str__(self) -> str:
        return str(self.args[-1])


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that becomes `path` when the block ends well, and is gone if not.

    Args:
        path: what is to be replaced, or made; its folder exists.

    Raises:
        Unwritable: the disk is full, or does not take it for another reason.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # a rename stays on one file system
    try:
        with naming(path), part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with naming(path):
            part.replace(path)
        to_disk(path.parent)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """Replace a file by one with this text.

    Raises:
        Unwritable: the disk does not take it; the file of before is intact.
    """
    with replaced(path) as file:
        file.write(text.encode())


@contextlib.contextmanager
def appended(path: Path) -> Iterator[TextIO]:
    """Open a file to write at its end; where the disk does not take all, it takes nothing.

    Raises:
        Unwritable: the disk is full.
    """
    with naming(path):
        before = path.stat().st_size
        try:
            with path.open("a", newline="") as file:
                yield file
        except OSError:
            os.truncate(path, before)
            raise


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the operating system say in one line which file cannot be written.

    Raises:
        Unwritable: in place of any other OSError.
    """
    try:
        yield
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(error.errno, unwritable(path, error)) from error


def unwritable(path: Path, error: OSError) -> str:
    """Return the line that says why `path` cannot be written."""
    why = error.strerror or str(error) or type(error).__name__
    left = "; the file of before is intact" if path.exists() else ""
    return f"{path}: cannot be written ({why}){left}"


def to_disk(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders; the files are written anyway
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def overwrite(path: Path, text: str) -> None:
    """Write a short text over an existing file: the last resort where no new file can be made."""
    with naming(path), path.open("r+b") as file:
        file.write(text.encode())
        file.truncate()


def full(error: BaseException) -> str | None:
    """Return in one line that a file could not be written, None if `error` says otherwise."""
    if isinstance(error, Unwritable):
        return str(error)
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{error.filename or _whose(error)}: cannot be written ({error.strerror})"
    return None


def _whose(error: BaseException) -> str:
    """Return whose file it was that an error does not name: the module's that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    return f"a file of {module.partition('.')[0] or 'the run'}"
