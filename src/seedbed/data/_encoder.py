"""A table's columns as numbers: medians for gaps, one column for each category.

Formula: one-hot e(c)ₖ = 1 if c = k else 0
Source: scikit-learn, `preprocessing.OneHotEncoder` and `impute.SimpleImputer`,
https://scikit-learn.org/stable/modules/preprocessing.html#encoding-categorical-features.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from seedbed.data._column import complete, labels, numbers
from seedbed.data._rows import Rows

EXACT = 2**24  # single precision holds all whole numbers below


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
    def used(self) -> list[Column]:
        """The columns that inputs are made of: numbers, then categories."""
        found = [column for column in self.columns if column.kind != "dropped"]
        return sorted(found, key=lambda column: column.kind != "number")

    @property
    def width(self) -> int:
        """Features D."""
        return sum(len(column.categories) or 1 for column in self.used)

    @property
    def untouched(self) -> tuple[int, ...]:
        """The one-hot features."""
        return tuple(range(sum(c.kind == "number" for c in self.columns), self.width))

    def encode(self, rows: Rows) -> Tensor:
        """Return `(N, D)` float32; a category that training did not know is 0 everywhere.

        Raises:
            ValueError: a column is missing or holds something else.
        """
        rows.demand([column.name for column in self.used], "the model was trained on it")
        x = torch.empty(len(rows), self.width)
        for start, block in self.blocks(rows):
            x[start : start + len(block)] = torch.from_numpy(block)
        return x

    def blocks(self, rows: Rows) -> Iterator[tuple[int, np.ndarray]]:
        """Yield `(n, D)` float32 of piece after piece, and the row from 0 of the first."""
        names = [column.name for column in self.used]
        text = [column.name for column in self.used if column.kind == "category"]
        start = 0
        for piece in rows.pieces(names, text):
            if not self.impute:
                complete(piece, names, rows.where)
            block, at = np.zeros((len(piece), self.width), np.float32), 0
            for column in self.used:
                cells = piece[column.name]
                if column.kind == "number":
                    block[:, at] = numbers(cells, rows.where).fillna(column.median)
                else:
                    one_hot(cells, column.categories, block[:, at:])
                at += len(column.categories) or 1
            yield start, block
            start += len(piece)


def one_hot(cells: Any, categories: Sequence[str | None], out: np.ndarray) -> None:
    """Put a 1 where a cell is the category of that column of `out`, `(n, >= K)`."""
    import pandas as pd

    place = {category: k for k, category in enumerate(categories)}
    codes, different = pd.factorize(cells)
    known = [place.get(label, -1) for label in labels(pd.Series(different))]
    column = np.array([*known, place.get(None, -1)])[codes]  # the code of a gap is -1, the last
    (there,) = (column >= 0).nonzero()
    out[there, column[there]] = 1


def fit(
    rows: Rows, number: Mapping[str, bool], places: Mapping[Any, Tensor], *, impute: bool, most: int
) -> tuple[Encoder, dict[Any, Tensor]]:
    """Learn medians and categories from the training rows alone, and encode all.

    Every row is written where its split has it at once, the numbers before their medians are
    known: beside the splits, memory holds a piece of the table and a column.  The medians are of
    the numbers in single precision, as the model sees them.

    Args:
        rows: of all splits.
        number: whether each column to use holds numbers; categories otherwise.
        places: rows of each split, `(N,)` int64; `train` among them.
        impute: fill empty cells; else they are refused.
        most: categories a column may have.

    Raises:
        ValueError: a column has too many categories, or nothing is left.
    """
    known = categories(rows, [n for n, numeric in number.items() if not numeric], places["train"])
    gaping = Encoder(
        tuple(
            Column(name, "number", median=float("nan"))
            if numeric
            else of_categories(name, known[name], len(places["train"]), most, rows.where)
            for name, numeric in number.items()
        ),
        impute,
    )
    x = {split: torch.empty(len(at), gaping.width) for split, at in places.items()}
    for start, block in gaping.blocks(rows):
        for split, at in places.items():
            inside = ((at >= start) & (at < start + len(block))).nonzero().flatten()
            x[split][inside] = torch.from_numpy(block)[at[inside] - start]
    learned = [
        of_numbers(column.name, x["train"][:, k].numpy(), rows, places["train"])
        for k, column in enumerate(gaping.used)
        if column.kind == "number"
    ]
    final = {column.name: column for column in (*gaping.columns, *learned)}
    columns = tuple(final[name] for name in number)
    if all(column.kind == "dropped" for column in columns):
        raise ValueError(f"{rows.where}: no column is left that tells the rows apart")
    return Encoder(columns, impute), {s: filled(part, learned) for s, part in x.items()}


def filled(x: Tensor, learned: Sequence[Column]) -> Tensor:
    """Return inputs `(N, D)` with medians for gaps, without columns that were dropped.

    Args:
        x: numbers, NaN where there is none, then one-hot columns.
        learned: what became of each column of numbers.
    """
    for k, column in enumerate(learned):
        x[:, k].nan_to_num_(column.median)
    dropped = [k for k, column in enumerate(learned) if column.kind == "dropped"]
    if not dropped:
        return x
    return x[:, [k for k in range(x.shape[1]) if k not in dropped]]


def categories(rows: Rows, names: Sequence[str], train: Tensor) -> dict[str, set[str | None]]:
    """Return the different categories in some rows; None stands for a gap."""
    import pandas as pd

    inside = np.zeros(len(rows), bool)
    inside[train.numpy()] = True
    found: dict[str, set[str | None]] = {name: set() for name in names}
    start = 0
    for piece in rows.pieces(names, names) if names else ():
        chosen = piece[inside[start : start + len(piece)]]
        start += len(piece)
        for name in names:
            cells = chosen[name]
            found[name] |= {*labels(pd.Series(cells.dropna().unique()))}
            found[name] |= {None} if cells.isna().any() else set()
    return found


def of_numbers(name: str, x: np.ndarray, rows: Rows, train: Tensor) -> Column:
    """Look at the numbers of the training rows, `(N,)` float32, NaN where there is none."""
    there, note = x[~np.isnan(x)], ""
    if not len(there) or there.min() == there.max():
        return Column(name, "dropped", note="one value only" if len(there) else "empty")
    median = float(np.median(there.astype(np.float64)))
    if len(there) > 10 and (there % 1 == 0).all():
        maybe = there.max() - there.min() < 2.1 * len(there) or name.lower() in ("id", "index")
        if maybe and np.abs(there).max() >= EXACT:
            cells = rows.whole(name).iloc[train.numpy()]
            there = numbers(cells, rows.where).dropna().to_numpy()
        near = there.max() - there.min() < 2 * len(there) or name.lower() in ("id", "index")
        if near and (there % 1 == 0).all() and len(np.unique(there)) == len(there):
            note = f"a row number? data.drop=[{name}] leaves it out"
    return Column(name, "number", median=median, note=note)


def of_categories(name: str, found: set[str | None], rows: int, most: int, where: str) -> Column:
    """Look at the different categories of the training rows; None stands for a gap.

    Raises:
        ValueError: there are too many of them.
    """
    known = sorted(label for label in found if label is not None)
    if len(found) < 2:
        return Column(name, "dropped", note="one value only" if known else "empty")
    if len(known) > most:
        raise ValueError(
            f"{where}: column {name!r} has {len(known)} different texts among {rows} training"
            f" rows, data.max_categories is {most}: leave it out with data.drop=[{name}]"
        )
    return Column(name, "category", categories=(*known, *([None] if None in found else [])))
