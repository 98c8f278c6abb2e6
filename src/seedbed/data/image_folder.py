"""Images in folders, one for each class: `root/cat/7.png`, or `root/train/cat/7.png`.

Source: the layout of torchvision's `ImageFolder`, https://docs.pytorch.org/vision/stable/datasets.html.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seedbed.data._cache import Cache, Kept, identity
from seedbed.data._image import Images, check_headers, check_size, find, is_image
from seedbed.data._split import split
from seedbed.data._splits import Splits
from seedbed.types import Inputs, Split

READ = 100_000_000  # bytes of images that are read to tell whether they are still the same


class Files(NamedTuple):
    """A split of images."""

    x: Images  # (N, channels, size, size)
    y: Tensor  # (N,) int64

    def at(self, index: Tensor) -> "Files":
        """Return the examples that `(B,)` int64 indices choose."""
        return Files(self.x.at(index), self.y[index])


class ImageFolder(Splits):
    """Learns which folder an image lies in; files are decoded while training goes on.

    Subfolders `train`, `val` and `test` are the splits; one that is missing is drawn from the
    training images, stratified.  Images are scaled to cover a square and cut to its middle.

    Args:
        root: folder of the classes, or of the splits.
        size: height and width of the inputs in pixels.
        channels: 3 for colour, 1 for grey.
        num_workers: processes that decode; at most as many as there are cores are used, 0: none.
            Where a cache keeps all images, a thread reads them instead.
        cache: where decoded images are kept, so that each file is decoded once: `memory` as long as
            the run lasts, in each of its processes; `disk` for all later runs, shared by processes;
            or `none`.  An image takes channels × size² bytes.  Batches are the same.
        cache_folder: of `disk`, one file for each state of the images and each size; it may be
            emptied at any time.
        test_fraction: share of the images that only tests where no `test` is there, in (0, 1).
        common: see `Splits`.

    Raises:
        ValueError: an argument outside its range.
    """

    splits: dict[Split, Files]

    def __init__(
        self,
        root: str,
        size: int = 32,
        channels: int = 3,
        num_workers: int = 4,
        cache: Kept = "none",
        cache_folder: str = "data/cache",
        test_fraction: float = 0.2,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        check_size(size, channels)
        if num_workers < 0:
            raise ValueError(f"num_workers must be at least 0, got {num_workers}")
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction must lie in (0, 1), got {test_fraction}")
        self.root, self.size, self.channels = Path(root), size, channels
        self.num_workers, self.test_fraction = num_workers, test_fraction
        self.cache: Kept = cache
        self.cache_folder = Path(cache_folder)
        self._names: tuple[str, ...] = ()

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the folders."""
        return self._names

    def examples(self) -> dict[Split, Files]:
        """Find the files; they are decoded later.

        Raises:
            FileNotFoundError: there is no such folder.
            ValueError: a folder holds nothing, or a file is no image.
        """
        places = folders_of(self.root)
        self._names = tuple(sorted(f.name for f in places["train"].iterdir() if is_class(f)))
        if not self._names:
            raise ValueError(
                f"{places['train']}: there is no folder in it; one a class is expected"
            )
        found: dict[Split, Files] = {name: self._files(folder) for name, folder in places.items()}
        self._prepare(list(found.values()))
        if self.folds is not None and "val" in found:
            raise ValueError(f"folds={self.folds}: {self.root / 'val'} validates; move it away")
        if "test" not in found:
            found["train"], found["test"] = self._cut(found["train"], self.test_fraction)
        if "val" not in found:
            rest, held = self.held_out(found["train"].y, names=self._names)
            found["val"], found["train"] = map(found["train"].at, (held, rest))
        if self.fraction < 1:
            _, found["train"] = self._cut(found["train"], self.fraction)
        return found

    def _prepare(self, found: Sequence[Files]) -> None:
        """Look at all files once, and let them share a cache."""
        files = [file for some in found for file in some.x.files]
        check_headers(files)
        stats = {str(file.relative_to(self.root)): file.stat() for file in files}
        self.source = digest(self.root, stats)
        if self.cache == "none":
            return
        shape = (self.channels, self.size, self.size)
        name = f"{identity(self.root, stats, shape)}.pictures"
        path = self.cache_folder / name if self.cache == "disk" else None
        kept, first = Cache(len(files), shape, path), 0
        for some in found:
            some.x.keep(kept, first)
            first += len(some.x)

    def _files(self, folder: Path) -> Files:
        strange = sorted({f.name for f in folder.iterdir() if is_class(f)} - {*self._names})
        if strange:
            raise ValueError(f"{folder / strange[0]}: no such class among the training images")
        files = {name: find(folder / name) for name in self._names if (folder / name).is_dir()}
        empty = [name for name, inside in files.items() if not inside]
        if empty:
            raise ValueError(f"{folder / empty[0]}: there is no image in it")
        y = [self._names.index(name) for name, inside in files.items() for _ in inside]
        if not y:
            raise ValueError(f"{folder}: there is no image in it")
        return Files(
            self._images([f for inside in files.values() for f in inside]), torch.tensor(y)
        )

    def _images(self, files: Sequence[Path]) -> Images:
        return Images(files, self.size, self.channels, self.num_workers)

    def _cut(self, files: Files, share: float) -> tuple[Files, Files]:
        rest, part = split(files.y, share, self.seed, names=self._names)
        return files.at(rest), files.at(part)

    def inputs(self, path: Path) -> tuple[Inputs, Tensor | None]:
        """Return the images of a folder, in the order of their names, or the one in a file."""
        if path.suffix in (".npy", ".csv"):
            return super().inputs(path)
        files = find(path) if path.is_dir() else [path]
        if not files:
            raise ValueError(f"{path}: there is no image in it")
        check_headers(files)
        return self._images(files), None


def is_class(folder: Path) -> bool:
    """Return whether this is a folder that stands for a class."""
    return folder.is_dir() and not folder.name.startswith(".")


def folders_of(root: Path) -> dict[Split, Path]:
    """Return the folder of each split that has its own.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder")
    if not (root / "train").is_dir() or find_flat(root / "train"):
        return {"train": root}
    names: tuple[Split, ...] = ("train", "val", "test")
    return {name: root / name for name in names if (root / name).is_dir()}


def find_flat(folder: Path) -> bool:
    """Return whether images lie in a folder itself: `train` is then a class, of locomotives say."""
    return any(is_image(file) for file in folder.iterdir())


def digest(root: Path, stats: Mapping[str, os.stat_result]) -> str:
    """Return a SHA-256 of the names and sizes of files, and of their content if it is small.

    Of more than `READ` bytes in all, the content would take longer to read than a start may.
    """
    made, small = hashlib.sha256(), sum(stat.st_size for stat in stats.values()) <= READ
    for name, stat in stats.items():
        made.update(f"{name} {stat.st_size}\n".encode())
        made.update((root / name).read_bytes() if small else b"")
    return made.hexdigest()
