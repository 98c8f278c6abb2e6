"""Decoded pictures that are kept, in memory or on the disk, so that each file is decoded once.

A record is the checksum of a picture and its pixels; it lies at a place of its own in one file that
the worker processes share, and, on a disk, all runs.  A record that is missing, half written by a
killed run or damaged does not fit its checksum and is made again: nothing has to be locked, and
nothing ends well that did not.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import numpy as np

from seedbed.atomic import Unwritable, naming

Kept = Literal["none", "memory", "disk"]
CHECK = 8  # bytes of a checksum, which is never 0: holes in a file read as zeros


class Cache:
    """N pictures of one size, `(channels, H, W)` uint8, each of them here or not yet.

    Args:
        count: of pictures, N.
        shape: of one picture.
        path: file that keeps them; None keeps them in memory as long as the process lives.

    Raises:
        ValueError: the memory of this machine is too small, or cannot be shared.
        Unwritable: the disk has no room for all of them, or does not take them.
    """

    def __init__(self, count: int, shape: tuple[int, int, int], path: Path | None) -> None:
        self.count, self.shape, self.path = count, shape, path
        self.record = CHECK + int(np.prod(shape))
        self._file = self._opened()

    def _opened(self) -> int:
        size = self.count * self.record
        if self.path is None:
            check_memory(size)
            return os.memfd_create("pictures")  # the kernel frees it however this process ends
        with naming(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        missing = size - os.fstat(file).st_blocks * 512
        free = shutil.disk_usage(self.path.parent).free
        if missing > free:
            os.close(file)
            raise full(self.path, f"{missing / 1e6:,.0f} MB of pictures, {free / 1e6:,.0f} MB free")
        return file

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the open file: a process that is not forked opens its own."""
        return self.__dict__ | {"_file": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._file = self._opened()

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            os.close(self._file)

    def has(self, place: int) -> bool:
        """Return whether there is something at a place in [0, N), without looking whether it fits.

        It is fast, since that is asked of all places before every epoch.
        """
        return any(os.pread(self._file, CHECK, place * self.record))

    def get(self, place: int) -> np.ndarray | None:
        """Return the picture at a place in [0, N), None if it is not there."""
        found = os.pread(self._file, self.record, place * self.record)
        if len(found) < self.record or found[:CHECK] != checksum(found[CHECK:]):
            return None
        return np.frombuffer(found, np.uint8, offset=CHECK).reshape(self.shape)

    def put(self, place: int, picture: np.ndarray) -> None:
        """Keep a picture at a place in [0, N).

        Raises:
            Unwritable: the disk is full.
        """
        pixels = picture.tobytes()
        record = checksum(pixels) + pixels
        where = self.path or Path("the memory for pictures")
        with naming(where):
            written = os.pwrite(self._file, record, place * self.record)
        if written < self.record:
            raise full(where, os.strerror(errno.ENOSPC))


def checksum(pixels: bytes) -> bytes:
    """Return what tells whether a record is whole, `CHECK` bytes."""
    return (crc32(pixels) + 1).to_bytes(CHECK)


def identity(root: Path, stats: Mapping[str, os.stat_result], shape: tuple[int, int, int]) -> str:
    """Return 32 hexadecimal digits for files as they are now, and how they are decoded.

    The name of a cache on a disk: another file than the one that was decoded has another cache.

    Args:
        root: folder of the files.
        stats: of each file, by its name in that folder; the time of the last change of the inode is
            among them, which no copying or touching sets back.
        shape: of a decoded picture.
    """
    from PIL import Image, features

    decoders = [features.version(name) for name in ("jpg", "zlib", "webp")]
    made = hashlib.sha256(repr((1, shape, Image.__version__, decoders, root.resolve())).encode())
    for name, stat in stats.items():
        made.update(f"{name}\0{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}\n".encode())
    return made.hexdigest()[:32]


def check_memory(size: int) -> None:
    """Refuse what this machine cannot keep in memory.

    Raises:
        ValueError: there is not as much, or it cannot be shared by processes.
    """
    if not hasattr(os, "memfd_create"):
        raise ValueError("cache=memory needs Linux; cache=disk does without")
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > there:
        raise ValueError(
            f"cache=memory: {size / 1e6:,.0f} MB of pictures, this machine has "
            f"{there / 1e6:,.0f} MB; cache=disk needs none of it"
        )


def full(path: Path, why: str) -> Unwritable:
    """Return that the disk is full, with what can be done."""
    return Unwritable(
        errno.ENOSPC, f"{path}: cannot be written ({why}); data.cache=none needs no room"
    )
