"""Fashion-MNIST: 70,000 grey images of ten kinds of clothing, 28 by 28 pixels.

Source: Xiao, Rasul & Vollgraf 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
Machine Learning Algorithms", https://arxiv.org/abs/1708.07747.
"""

import gzip
import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seedbed.data._pictures import Pictures
from seedbed.types import Batch

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # apt install dataset-fashion-mnist
ORIGIN = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
SHA256 = {  # of the content: archives differ by how they were compressed
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
NAMES = "T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot"


class FashionMNIST(Pictures):
    """60,000 images to train and validate, 10,000 to test; pixels in [0, 1].

    Args:
        root: folder of the four IDX files; found where Debian's package puts them, else
            downloaded here with a checksum.
        size: height and width in pixels; null: as the files have them, 28.
        common: see `Pictures`.

    Raises:
        FileNotFoundError: no files, and no network to fetch them.
    """

    def __init__(
        self, root: str = "data/fashion_mnist", size: int | None = None, **common: Any
    ) -> None:
        super().__init__(size, **common)
        self.root = Path(root)

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the garments."""
        return tuple(NAMES.split())

    def prepare_data(self) -> None:
        """Fetch what is missing, in one process only."""
        if not self._found():
            for name, digest in SHA256.items():
                fetch(f"{ORIGIN}/{name}.gz", self.root / f"{name}.gz", digest)

    def images(self) -> tuple[Batch, Batch]:
        """Return training and test images, `(N, 1, 28, 28)` float32."""
        folder = self._found() or self.root
        train, test = (
            Batch(
                read_idx(folder / f"{split}-images-idx3-ubyte.gz").unsqueeze(1).float() / 255,
                read_idx(folder / f"{split}-labels-idx1-ubyte.gz").long(),
            )
            for split in ("train", "t10k")
        )
        return train, test

    def _found(self) -> Path | None:
        folders = (self.root, DEBIAN)
        return next(
            (f for f in folders if all((f / f"{name}.gz").is_file() for name in SHA256)), None
        )


def read_idx(path: Path) -> torch.Tensor:
    """Return the uint8 array of an IDX file, in the shape that its header says.

    Raises:
        ValueError: the file is no IDX file of bytes, or holds another number of them.
    """
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4).astype(int)
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])
    if values.size != shape.prod():
        raise ValueError(f"{path}: the header promises {shape.prod()} bytes, found {values.size}")
    return torch.from_numpy(values.reshape(shape).copy())


def fetch(url: str, target: Path, digest: str) -> None:
    """Download the gzip file `url` to `target` if the SHA-256 of its content is `digest`.

    Raises:
        FileNotFoundError: it cannot be reached.
        ValueError: it is another file.
    """
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 -- a constant http address
            content = answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise FileNotFoundError(
            f"{target}: not there and cannot be downloaded ({error}); "
            "install the Debian package dataset-fashion-mnist or set data.root to the IDX files"
        ) from error
    try:
        plain = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise ValueError(f"{url}: not gzip or cut short ({error})") from error
    if hashlib.sha256(plain).hexdigest() != digest:
        raise ValueError(f"{url}: the checksum differs from the published file's")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}")  # several processes may fetch at once
    part.write_bytes(content)
    part.replace(target)
