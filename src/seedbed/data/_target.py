"""The column that a model learns to tell: classes or real numbers."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from seedbed.data._column import labels, numbers, numeric, parsed, row
from seedbed.types import Kind

AS_CLASSES = "; data.kind=class takes all as classes"
Asked = Literal["auto", "class", "value"]


@dataclass(frozen=True, slots=True)
class Target:
    """How a column of targets is read."""

    kind: Kind
    names: tuple[str, ...] = ()  # of the classes, in the order of their indices
    counted: bool = False  # the names are numbers: 1.0 is 1

    def encode(self, cells: Any, where: str) -> Tensor:
        """Return `(N,)` int64 class indices or `(N, 1)` float32 values.

        Raises:
            ValueError: a cell is empty, no number, or no class that training knows.
        """
        filled(cells, where)
        if self.kind == "value":
            return torch.tensor(numbers(cells, where).to_numpy(np.float32)[:, None])
        import pandas as pd

        place = {name: k for k, name in enumerate(self.names)}
        codes, different = pd.factorize(cells)
        known = [place.get(name, -1) for name in class_labels(pd.Series(different), self.counted)]
        index = np.array(known, np.int64)[codes]
        if index.min() < 0:
            strange = int(index.argmin())
            raise ValueError(
                f"{where}: row {cells.index[strange] + 1}: column {cells.name!r} says "
                f"{str(cells.iloc[strange])!r}, which is none of the training classes"
            )
        return torch.from_numpy(index)


def target_of(cells: Any, kind: Asked, most: int, where: str) -> Target:
    """Return how a column of targets is to be read.

    Left to itself, texts and true/false are classes; so are whole numbers (2 or 2.0) if at most
    `most` of them differ; other numbers are values.

    Args:
        cells: the targets of all training rows.
        kind: what the user says.
        most: different whole numbers that still count as classes.
        where: the file.

    Raises:
        ValueError: a cell is empty, or no number among numbers.
    """
    filled(cells, where)
    counted = numeric(cells)
    if kind == "auto":
        kind = "value" if counted else "class"
        if counted and few_whole(numbers(cells, where, AS_CLASSES), most):
            kind = "class"
    if kind == "value":
        values = numbers(cells, where, AS_CLASSES)
        if values.nunique() == 1:
            raise ValueError(
                f"{where}: every value of the target {cells.name!r} is {values.iloc[0]:g}: "
                "there is nothing to learn"
            )
        return Target("value")
    counted = bool(parsed(cells).notna().all())
    found = class_labels(cells.drop_duplicates(), counted).unique()
    return Target("class", tuple(sorted(found, key=float if counted else str)), counted)


def few_whole(values: Any, most: int) -> bool:
    """Return whether all are whole numbers of which at most that many differ."""
    return bool((values % 1 == 0).all()) and values.nunique() <= most


def class_labels(cells: Any, counted: bool) -> Any:
    """Return the names of the classes that cells stand for."""
    return labels(parsed(cells)) if counted else labels(cells)


def filled(cells: Any, where: str) -> None:
    """Refuse targets that are not there.

    Raises:
        ValueError: naming the first row.
    """
    gaps = cells.isna()
    if gaps.any():
        more = f" (and {int(gaps.sum()) - 1} more rows)" if gaps.sum() > 1 else ""
        raise ValueError(
            f"{where}: row {row(cells, gaps)}{more}: the target {cells.name!r} is empty"
        )
