"""Image files as tensors of one size, decoded when they are needed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.data._cache import Cache

NAMED = 10  # unreadable files
TOGETHER = 256  # files that a thread looks at in one go: a task of its own costs as much as a file


class Unreadable(ValueError):
    """A file that looked right and cannot be decoded."""


class Images:
    """N images that are read from their files whenever they are indexed.

    Args:
        files: of the images.
        size: height and width H = W in pixels.
        channels: 3 for colour, 1 for grey.
        workers: processes that decode batches ahead.
    """

    def __init__(self, files: Sequence[Path], size: int, channels: int, workers: int = 0) -> None:
        self.files, self.size, self.channels = list(files), size, channels
        self.workers = workers
        self.kept: Cache | None = None
        self.places: Sequence[int] = ()

    def keep(self, kept: Cache, first: int) -> None:
        """Let a cache keep what is decoded, from its place `first` on."""
        self.kept, self.places = kept, range(first, first + len(self))

    def at(self, index: Tensor) -> "Images":
        """Return some of the images, chosen by `(B,)` int64 indices."""
        chosen = index.tolist()
        some = Images([self.files[k] for k in chosen], self.size, self.channels, self.workers)
        if self.kept is not None:
            some.kept, some.places = self.kept, [self.places[k] for k in chosen]
        return some

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """As of a tensor, `(N, channels, H, W)`."""
        return len(self.files), self.channels, self.size, self.size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        """Return `(B, channels, H, W)` float32 in [0, 1].

        Raises:
            Unreadable: a file cannot be decoded.
            Unwritable: the disk has no room for what the cache is to keep.
        """
        return floats(self.bytes(index))

    def bytes(self, index: slice | Tensor) -> Tensor:
        """Return the same as uint8, from 0 to 255."""
        chosen = range(len(self))[index] if isinstance(index, slice) else index.tolist()
        batch = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        for row, k in zip(batch, chosen, strict=True):
            row[:] = self._picture(k)
        return torch.from_numpy(batch)

    def kept_all(self) -> bool:
        """Return whether no file has to be decoded any more."""
        return self.kept is not None and all(map(self.kept.has, self.places))

    def _picture(self, k: int) -> np.ndarray:
        if self.kept is None:
            return decode(self.files[k], self.size, self.channels)
        found = self.kept.get(self.places[k])
        if found is None:
            found = decode(self.files[k], self.size, self.channels)
            self.kept.put(self.places[k], found)
        return found


def floats(images: Tensor) -> Tensor:
    """Return uint8 images as float32 in [0, 1], the same on every device.

    By a number, CUDA would not divide but multiply with its inverse, which rounds differently.
    """
    most = torch.full((), 255.0, device=images.device)
    return images.float().div_(most)


def decode(file: Path, size: int, channels: int) -> np.ndarray:
    """Return the image in a file, `(channels, size, size)` uint8.

    Raises:
        Unreadable: it cannot be decoded.
    """
    from PIL import Image

    try:
        with Image.open(file) as image:
            return pixels(image, size, channels)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unreadable(f"{file}: does not decode as an image ({why})") from error


def pixels(image: Any, size: int, channels: int) -> np.ndarray:
    """Return a Pillow image, scaled to cover a square of `size` and cut to its middle, as uint8.

    Args:
        image: of any size and mode; it is turned as its camera says.
        size: height and width of the result in pixels.
        channels: 3 for colour, 1 for grey.
    """
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode == "I" or image.mode.startswith("I;16"):  # 16 bits; Pillow would cut them off
        image = Image.fromarray((np.asarray(image, np.float32) / 257).clip(0, 255).round(), "F")
    if image.mode == "P":
        image = image.convert("RGBA")  # or transparency is refused
    image = image.convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8).reshape(size, size, channels).transpose(2, 0, 1)


def check_headers(files: Sequence[Path]) -> None:
    """Refuse files that do not even begin like an image; damage further on shows when decoding.

    Raises:
        ValueError: naming them.
    """
    parts = [files[start : start + TOGETHER] for start in range(0, len(files), TOGETHER)]
    with ThreadPoolExecutor(8) as pool:
        wrong = [str(file) for found in pool.map(without_header, parts) for file in found]
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise ValueError(f"no images that can be read: {', '.join(wrong[:NAMED])}{more}")


def without_header(files: Sequence[Path]) -> list[Path]:
    """Return the files that do not start as an image does."""
    return [file for file in files if not begins(file)]


def begins(file: Path) -> bool:
    """Return whether a file starts as an image does."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            return min(image.size) > 0
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def find(folder: Path) -> list[Path]:
    """Return the image files in a folder and below, in the order of their names."""
    return sorted(file for file in folder.rglob("*") if is_image(file))


def is_image(file: Path) -> bool:
    """Return whether a name is that of an image, and there is such a file."""
    return file.suffix.lower() in endings() and not file.name.startswith(".") and file.is_file()


@cache
def endings() -> set[str]:
    """Return how the names of files end that can be read, `.jpg` for one."""
    from PIL import Image

    return {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN}


def check_size(size: int, channels: int) -> None:
    """Refuse what no image can have.

    Raises:
        ValueError: naming it.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, got {size}")
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels}")
