"""Image files as tensors of one size, decoded when they are needed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.data._loader import Unreadable

NAMED = 10  # unreadable files


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
        """
        if isinstance(index, slice):
            files = self.files[index]
        else:
            files = [self.files[place] for place in index.tolist()]
        images = [decode(file, self.size, self.channels) for file in files]
        return torch.stack(images) if images else torch.empty(0, *self.shape[1:])


def decode(file: Path, size: int, channels: int) -> Tensor:
    """Return the image in a file, `(channels, size, size)` float32 in [0, 1].

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


def pixels(image: Any, size: int, channels: int) -> Tensor:
    """Return a Pillow image, scaled to cover a square of `size` and cut to its middle.

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
    values = np.array(image, np.uint8).reshape(size, size, channels)
    return torch.from_numpy(values).permute(2, 0, 1).float() / 255


def check_headers(files: Sequence[Path]) -> None:
    """Refuse files that do not even begin like an image; damage further on shows when decoding.

    Raises:
        ValueError: naming them.
    """
    with ThreadPoolExecutor(8) as pool:
        wrong = [str(file) for file, fine in zip(files, pool.map(begins, files)) if not fine]  # noqa: B905
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise ValueError(f"no images that can be read: {', '.join(wrong[:NAMED])}{more}")


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
    from PIL import Image

    known = {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in known and not file.name.startswith(".") and file.is_file()
    )


def check_size(size: int, channels: int) -> None:
    """Refuse what no image can have.

    Raises:
        ValueError: naming it.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, got {size}")
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels}")
