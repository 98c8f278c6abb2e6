"""Data sets of the Hugging Face hub, and files that its builders read: Parquet, JSON, Arrow.

Source: Lhoest et al. 2021, "Datasets: A Community Library for Natural Language Processing",
https://huggingface.co/docs/datasets.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.data._image import Images, check_size, find, floats, pixels
from seedbed.data._rows import Rows
from seedbed.data._sets import chosen, image_column, load, raw, rows_of
from seedbed.data._table import Table, digest
from seedbed.types import Batch, Inputs, Split

TESTS = ("test", "validation")  # splits that test, the first that is there


class Hub(Table):
    """Learns a column of a Hugging Face data set from the others, or from its images.

    The split `test` tests where there is one, else `validation`, else a share of the rows.
    Needs the extra: `pip install 'seedbed[hub]'`.

    Args:
        path: of a data set on the hub, or a builder: csv, parquet, json, arrow, imagefolder.
        target: column to predict.
        name: configuration of a data set that has several.
        data_files: file or files for a builder.
        data_dir: folder for a builder.
        train: split whose rows train and validate.
        test: split whose rows test; null: what there is.
        x: columns to use; none: all others.  A single column of images makes them the inputs.
        size: height and width of images in pixels.
        channels: 3 for colour, 1 for grey.
        common: see `Table`.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        path: str,
        target: str,
        name: str | None = None,
        data_files: str | list[str] | dict[str, str] | None = None,
        data_dir: str | None = None,
        train: str = "train",
        test: str | None = None,
        x: Sequence[str] = (),
        size: int = 32,
        channels: int = 3,
        **common: Any,
    ) -> None:
        super().__init__(target, **common)
        check_size(size, channels)
        self.path, self.name, self.data_files = path, name, data_files
        self.data_dir, self.train_split, self.test_split = data_dir, train, test
        self.x, self.size, self.channels = list(x), size, channels
        self._train: Any = None
        self._test_set: Any = None

    def prepare_data(self) -> None:
        """Fetch what is missing, in one process only."""
        load(self.path, self.name, self.data_files, self.data_dir)

    def examples(self) -> dict[Split, Batch]:
        """Return the splits: images if there is a column of them, else encoded columns."""
        sets = load(self.path, self.name, self.data_files, self.data_dir)
        self._train = chosen(sets, self.train_split, self.path, "data.train")
        rest = [self.test_split] if self.test_split else [s for s in TESTS if s in sets]
        self._test_set = chosen(sets, rest[0], self.path, "data.test") if rest else None
        image = image_column(self._train, self.x)
        return super().examples() if image is None else self._pictures(image)

    def frames(self) -> tuple[Rows, Rows | None]:
        """Return the rows as tables, classes by their names."""
        used = [*self.x, self.target, *([self.group] if self.group else [])] if self.x else []
        test = None if self._test_set is None else rows_of(self._test_set, self.path, used)
        return rows_of(self._train, self.path, used), test

    def _pictures(self, column: str) -> dict[Split, Batch]:
        if self.group:
            raise ValueError(f"group={self.group}: images are split without groups")
        rows = rows_of(self._train, self.path, [self.target])
        y = self._learn_target(rows)
        test = None
        if self._test_set is not None:
            test = rows_of(self._test_set, self.path, [self.target])
        places = self._places(y, rows, test)
        self.source = digest(rows, test)
        x = self._decoded(self._train, column)
        found: dict[Split, Batch] = {name: Batch(x[at], y[at]) for name, at in places.items()}
        if test is not None:
            labels = self.reading.encode(test.whole(self.target), test.where)
            found["test"] = Batch(self._decoded(self._test_set, column), labels)
        return found

    def _decoded(self, rows: Any, column: str) -> Tensor:
        """Return all images, `(N, channels, size, size)` float32 in [0, 1]."""
        cells = rows.cast_column(column, raw())[column]
        images = np.empty((len(cells), self.channels, self.size, self.size), np.uint8)
        for place, cell in enumerate(cells):
            where = f"{self.path}: row {place + 1}"
            images[place] = open_image(cell, self.size, self.channels, where)
        return floats(torch.from_numpy(images))

    def inputs(self, path: Path) -> tuple[Inputs, Tensor | None]:
        """Return the encoded rows of a CSV file, or the images of a folder or a file."""
        if self.encoder.columns or path.suffix in (".npy", ".csv"):
            return super().inputs(path)
        files = find(path) if path.is_dir() else [path]
        return Images(files, self.size, self.channels), None


def open_image(cell: Any, size: int, channels: int, where: str) -> np.ndarray:
    """Return one image, `(channels, size, size)` uint8.

    Raises:
        ValueError: naming its file or row.
    """
    from PIL import Image

    where = f"{where} ({cell['path']})" if cell and cell.get("path") else where
    try:
        source = BytesIO(cell["bytes"]) if cell["bytes"] else cell["path"]
        with Image.open(source) as image:
            return pixels(image, size, channels)
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        raise ValueError(f"{where}: does not decode as an image") from error
