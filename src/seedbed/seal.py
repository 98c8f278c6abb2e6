"""A checksum that travels inside a checkpoint: SHA-256 over all of it, as the comment of the zip.

What torch saves is a zip archive, which may end in a comment that every reader skips, torch's
included.  There is no second file that could be lost or be of another state.
"""

import hashlib
import os
import zipfile
from pathlib import Path
from typing import BinaryIO

END = b"PK\x05\x06"  # first bytes of the archive's last record
RECORD = 22  # bytes of that record; the last two hold the length of the comment
MARK = b"seedbed sha256 "
NOTE = len(MARK) + 64  # bytes of our comment
BLOCK = 1 << 22  # bytes that are read at once


class Sealing:
    """Passes on to a file what torch writes, in order, and seals it at the end.

    An error of the disk is kept until `close`: raised in the middle of torch's own writer it would
    come back as "unexpected pos".

    Args:
        file: open for reading and writing, empty.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()
        self._error: OSError | None = None
        self._waiting = bytearray()  # torch writes a tensor in many small pieces
        self._end = b""  # the last bytes so far

    def write(self, data: bytes | memoryview) -> int:
        """Take the next bytes."""
        if len(data) < BLOCK:
            self._waiting += data
            if len(self._waiting) >= BLOCK:
                self._pass_on_waiting()
        else:  # too large to be copied
            self._pass_on_waiting()
            self._pass_on(data)
        return len(data)

    def _pass_on_waiting(self) -> None:
        if self._waiting:
            self._pass_on(self._waiting)
            self._waiting = bytearray()

    def _pass_on(self, data: bytes | bytearray | memoryview) -> None:
        if self._error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self._error = error
            self._hash.update(data)
            self._end = (self._end + bytes(data[-RECORD:]))[-RECORD:]

    def flush(self) -> None:
        """Nothing: the file is flushed once, when it is whole."""

    def close(self) -> None:
        """Append the checksum of what was written.

        Raises:
            OSError: the disk did not take everything.
        """
        self._pass_on_waiting()
        if self._error is not None:
            raise self._error
        assert self._end[:4] == END, "torch saves archives whose last record has no comment"
        assert self._end[-2:] == b"\0\0", "torch saves archives whose last record has no comment"
        self._file.seek(-2, os.SEEK_END)
        self._file.write(NOTE.to_bytes(2, "little") + MARK + self._hash.hexdigest().encode())


def damage(path: Path) -> str | None:
    """Return what is wrong with the bytes of a checkpoint, None if nothing is.

    An archive without our checksum, which another program wrote, is judged by its own.
    """
    size = path.stat().st_size
    if size == 0:
        return "it is empty"
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return "it does not begin like a checkpoint"
        tail = _last(file, size, NOTE + RECORD)
        if tail.startswith(END) and tail[RECORD:].startswith(MARK):
            content = _digest(file, size - NOTE - 2)
            ours = content.encode() == tail[-64:] and tail[RECORD - 2 : RECORD] == _LENGTH
            return None if ours else "its checksum does not fit"
        bare = tail[-RECORD:]
        if not (bare.startswith(END) and bare.endswith(b"\0\0")):
            return "its end is missing or changed"
    return _damaged_members(path)


_LENGTH = NOTE.to_bytes(2, "little")


def _last(file: BinaryIO, size: int, count: int) -> bytes:
    file.seek(max(0, size - count))
    return file.read()


def _digest(file: BinaryIO, left: int) -> str:
    """Return the checksum of the first `left` bytes and the two that were 0 when it was made."""
    file.seek(0)
    known = hashlib.sha256()
    while left > 0 and (block := file.read(min(BLOCK, left))):
        known.update(block)
        left -= len(block)
    known.update(b"\0\0")
    return known.hexdigest()


def _damaged_members(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
    except Exception as error:  # bytes that are no archive end in any
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None if wrong is None else f"the checksum of {wrong} in it does not fit"
