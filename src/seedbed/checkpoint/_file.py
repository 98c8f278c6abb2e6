"""Checkpoint files: written whole or not at all, sealed with a checksum, read as plain data."""

import re
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from seedbed.atomic import ADDRESS, naming, replaced
from seedbed.seal import Sealing, damage

FOREIGN = re.compile(r"GLOBAL (\S+)")


class PlainFile(TorchCheckpointIO):
    """Writes beside the target and renames; reads with `weights_only=True`, whatever is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: dict[Path, dict[str, Any]] = {}

    def hand_over(self, path: Path, content: dict[str, Any]) -> None:
        """Take a checkpoint that was read already, for the next time it is asked for."""
        self.ready = {path: content}

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write `checkpoint` so that `path` always holds a complete file.

        Raises:
            Unwritable: the disk does not take it; the file of before is intact.
        """
        write_checkpoint(checkpoint, Path(path))

    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read `path`; anything but plain data in it is an error."""
        known = self.ready.pop(Path(path), None)
        return read_checkpoint(path, map_location) if known is None else known


def write_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint with its checksum, at once.

    Raises:
        Unwritable: the disk does not take it; the file of before is intact.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as file:
        sealing = Sealing(file)
        torch.save(content, sealing)  # pyright: ignore[reportArgumentType] -- it only writes
        sealing.close()


def read_checkpoint(path: Path | str, map_location: Any = "cpu") -> dict[str, Any]:
    """Return the content of a checkpoint, every byte of which was verified.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is damaged, or holds more than plain data, or `path` is no local one.
    """
    file = local(path)
    verify(file)
    return opened(file, map_location)


def verify(file: Path) -> None:
    """Read a file to its end and hold it against its checksum.

    Raises:
        ValueError: it is damaged, or cannot be read.
    """
    try:
        why = damage(file)
    except OSError as error:
        raise ValueError(f"{file}: cannot be read ({error.strerror})") from error
    if why:
        raise ValueError(f"{file}: damaged ({why})")


def progress(path: Path) -> tuple[int, int]:
    """Return the optimizer steps and epochs that a checkpoint has seen, without reading weights.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be told.
    """
    content = opened(local(path), "cpu", mmap=True)
    try:
        return int(content["global_step"]), int(content["epoch"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a checkpoint of a training") from error


def local(path: Path | str) -> Path:
    """Return the path of a file that is there.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is an address.
    """
    if ADDRESS.match(str(path)):
        raise ValueError(f"{path}: a local file is expected")
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no checkpoint")
    return file


def opened(file: Path, map_location: Any, mmap: bool = False) -> dict[str, Any]:
    """Return what torch finds in a file, unpickling nothing but plain data.

    `weights_only` is said here every time: an environment variable can change what torch does
    where it is not.
    """
    try:
        content = torch.load(file, map_location=map_location, weights_only=True, mmap=mmap)
    except MemoryError:
        raise
    except Exception as error:  # an archive that torch did not make ends in any
        found = FOREIGN.search(str(error))
        why = f"it holds {found[1]}" if found else str(error).splitlines()[0]
        raise ValueError(f"{file}: not a checkpoint of plain data ({why})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: not a checkpoint ({type(content).__name__})")
    return content
