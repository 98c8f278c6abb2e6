"""A table's columns as numbers: medians for gaps, one column for each category.

Formula: one-hot e(c)ₖ = 1 if c = k else 0
Source: scikit-learn, `preprocessing.OneHotEncoder` and `impute.SimpleImputer`,
https://scikit-learn.org/stable/modules/preprocessing.html#encoding-categorical-features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from seedbed.data._column import complete, demand, labels, numbers, numeric, scalar

AS_CATEGORY = "; data.categorical=[{}] takes it as categories"


@dataclass(frozen=True, slots=True)
class Column:
    """What was learned about one column from the training rows."""

    name: str
    kind: Literal["number", "category", "dropped"]
    median: float = 0.0
    categories: tuple[str | None, ...] = ()  # sorted; None, the empty cell, is the last
    note: str = ""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns rows into inputs `(N, D)`: numbers in the order of the file, then one-hot columns."""

    columns: tuple[Column, ...]
    impute: bool

    @property
    def untouched(self) -> tuple[int, ...]:
        """The one-hot features."""
        start = sum(column.kind == "number" for column in self.columns)
        width = sum(len(c.categories) for c in self.columns if c.kind == "category")
        return tuple(range(start, start + width))

    def encode(self, table: Any, where: str) -> Tensor:
        """Return `(N, D)` float32; a category that training did not know is 0 everywhere.

        Raises:
            ValueError: a column is missing or holds something else.
        """
        used = [column for column in self.columns if column.kind != "dropped"]
        demand(table, [column.name for column in used], where, "the model was trained on it")
        if not self.impute:
            complete(table, [column.name for column in used], where)
        blocks = [
            numbers(table[c.name], where).fillna(c.median).to_numpy(np.float32)[:, None]
            for c in used
            if c.kind == "number"
        ]
        blocks += [one_hot(table[c.name], c.categories) for c in used if c.kind == "category"]
        return torch.tensor(np.concatenate(blocks, 1))


def one_hot(cells: Any, categories: Sequence[str | None]) -> np.ndarray:
    """Return `(N, K)` float32 with a 1 where a cell is the category of that column."""
    import pandas as pd

    place = {category: k for k, category in enumerate(categories)}
    index = labels(cells).map(lambda cell: place.get(None if pd.isna(cell) else cell, -1))
    return (index.to_numpy(int)[:, None] == np.arange(len(categories))).astype(np.float32)


def kinds(table: Any, names: Sequence[str], categorical: Sequence[str], where: str) -> list[bool]:
    """Return for each column whether it holds numbers, looking at every training row there is.

    Raises:
        ValueError: text among numbers, or cells that are neither.
    """
    found = []
    for name in names:
        scalar(table[name], where)
        number = name not in categorical and numeric(table[name])
        if number:
            numbers(table[name], where, AS_CATEGORY.format(name))
        found.append(number)
    return found


def fit(
    rows: Any, names: Sequence[str], number: Sequence[bool], *, impute: bool, most: int, where: str
) -> Encoder:
    """Learn medians and categories from the training rows alone.

    Args:
        rows: the training rows.
        names: of the columns to use.
        number: whether each holds numbers; categories otherwise.
        impute: fill empty cells; else they are refused.
        most: categories a column may have.
        where: the file.

    Raises:
        ValueError: a column has too many categories, or nothing is left.
    """
    columns = tuple(
        of_numbers(rows[name], where) if is_number else of_categories(rows[name], most, where)
        for name, is_number in zip(names, number, strict=True)
    )
    if all(column.kind == "dropped" for column in columns):
        raise ValueError(f"{where}: no column is left that tells the rows apart")
    return Encoder(columns, impute)


def of_numbers(cells: Any, where: str) -> Column:
    """Look at a column of numbers."""
    there, note = numbers(cells, where).dropna(), ""
    if there.nunique() < 2:
        return Column(str(cells.name), "dropped", note="one value only" if len(there) else "empty")
    if len(there) > 10 and there.is_unique and (there % 1 == 0).all():
        span = there.max() - there.min()
        if span < 2 * len(there) or str(cells.name).lower() in ("id", "index"):
            note = f"a row number? data.drop=[{cells.name}] leaves it out"
    return Column(str(cells.name), "number", median=float(there.median()), note=note)


def of_categories(cells: Any, most: int, where: str) -> Column:
    """Look at a column of categories.

    Raises:
        ValueError: there are too many of them.
    """
    name, found = str(cells.name), labels(cells)
    gaps = bool(found.isna().any())
    known: list[str | None] = sorted(found.dropna().unique())
    if len(known) + gaps < 2:
        return Column(name, "dropped", note="one value only" if known else "empty")
    if len(known) > most:
        raise ValueError(
            f"{where}: column {name!r} has {len(known)} different texts among {len(found)} training"
            f" rows, data.max_categories is {most}: leave it out with data.drop=[{name}]"
        )
    return Column(name, "category", categories=(*known, *([None] if gaps else [])))
