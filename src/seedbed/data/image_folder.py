"""Images in folders, one for each class: `root/cat/7.png`, or `root/train/cat/7.png`.

Source: the layout of torchvision's `ImageFolder`, https://docs.pytorch.org/vision/stable/datasets.html.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seedbed.data._image import Images, check_headers, check_size, find
from seedbed.data._split import split
from seedbed.data._splits import Splits
from seedbed.types import Inputs, Split

READ = 100_000_000  # bytes of images that are read to tell whether they are still the same


class Files(NamedTuple):
    """A split of images."""

    x: Images  # (N, channels, size, size)
    y: Tensor  # (N,) int64


class ImageFolder(Splits):
    """Learns which folder an image lies in; files are decoded while training goes on.

    Subfolders `train`, `val` and `test` are the splits; one that is missing is drawn from the
    training images, stratified.  Images are scaled to cover a square and cut to its middle.

    Args:
        root: folder of the classes, or of the splits.
        size: height and width of the inputs in pixels.
        channels: 3 for colour, 1 for grey.
        num_workers: processes that decode; at most as many as there are cores are used, 0: none.
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
        check_headers([file for files in found.values() for file in files.x.files])
        self.source = digest(self.root, [f for files in found.values() for f in files.x.files])
        if self.folds is not None and "val" in found:
            raise ValueError(f"folds={self.folds}: {self.root / 'val'} validates; move it away")
        if "test" not in found:
            found["train"], found["test"] = self._cut(found["train"], self.test_fraction)
        if "val" not in found:
            rest, held = self.held_out(found["train"].y, names=self._names)
            found["val"], found["train"] = (self._at(found["train"], at) for at in (held, rest))
        if self.fraction < 1:
            _, found["train"] = self._cut(found["train"], self.fraction)
        return found

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
        return self._at(files, rest), self._at(files, part)

    def _at(self, files: Files, at: Tensor) -> Files:
        return Files(self._images([files.x.files[k] for k in at.tolist()]), files.y[at])

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
    files = {file.parent for file in find(folder)}
    return folder in files


def digest(root: Path, files: Sequence[Path]) -> str:
    """Return a SHA-256 of the names and sizes of files, and of their content if it is small.

    Of more than `READ` bytes in all, the content would take longer to read than a start may.
    """
    sizes = [file.stat().st_size for file in files]
    made, small = hashlib.sha256(), sum(sizes) <= READ
    for file, size in zip(files, sizes, strict=True):
        made.update(f"{file.relative_to(root)} {size}\n".encode())
        made.update(file.read_bytes() if small else b"")
    return made.hexdigest()
