"""Checkpoint files: written whole or not at all, read as plain data."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO


class PlainFile(TorchCheckpointIO):
    """Writes beside the target and renames; reads with `weights_only=True`, whatever is asked."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write `checkpoint` so that `path` always holds a complete file."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read `path`; anything but plain data in it is an error."""
        return read_checkpoint(Path(path), map_location)


def read_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Return the content of a checkpoint.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is damaged, or holds more than plain data.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no checkpoint")
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # bytes that are no pickle end in any
        raise ValueError(f"{path}: damaged, or not a checkpoint of plain data") from error
