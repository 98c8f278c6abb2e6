"""What the cells of a table's column are, with the row of whatever is not as it should be.

A table is a pandas DataFrame whose index counts its rows from 0; messages count from 1, after the
header.  `where` is the name of the file.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from seedbed.nearest import nearest


def row(cells: Any, wrong: Any) -> int:
    """Return the number, from 1, of the first row that is `wrong`."""
    return int(cells.index[wrong.to_numpy().argmax()]) + 1


def demand(columns: Collection[Any], names: Iterable[str], where: str, key: str) -> None:
    """Refuse names that are not among the columns.

    Raises:
        ValueError: with what may have been meant.
    """
    for name in names:
        if name not in columns:
            known = nearest(name, map(str, columns))
            raise ValueError(f"{where}: there is no column {name!r} ({key}); {known}")


def parsed(cells: Any) -> Any:
    """Return cells as float64, NaN where they are no number."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(cells.dtype):
        return pd.Series(float("nan"), index=cells.index, dtype="float64")
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return cells.astype("float64")
    codes, different = pd.factorize(cells)  # each text is looked at once; a gap is -1, the last
    found: Any = pd.to_numeric(pd.Series(different), errors="coerce")
    values = np.append(found.to_numpy("float64", na_value=np.nan), np.nan)[codes]
    return pd.Series(values, index=cells.index, name=cells.name)


def numeric(cells: Any) -> bool:
    """Return whether a column is meant as numbers: more than half of what is there are some."""
    there = int(cells.notna().sum())
    return there > 0 and int(parsed(cells).notna().sum()) * 2 > there


def numbers(cells: Any, where: str, hint: str = "") -> Any:
    """Return cells as float64, NaN where they are empty.

    Raises:
        ValueError: a cell holds text, an infinity, or a number that single precision cannot hold.
    """
    values = parsed(cells)
    text = values.isna() & cells.notna()
    if text.any():
        place = row(cells, text)
        raise ValueError(
            f"{where}: row {place}: column {cells.name!r} holds numbers, here it says "
            f"{str(cells.loc[place - 1])[:40]!r}{hint}"
        )
    large = values.abs() > 3.4e38
    if large.any():
        place = row(cells, large)
        raise ValueError(
            f"{where}: row {place}: column {cells.name!r} is not a finite number in single "
            f"precision: {str(cells.loc[place - 1])[:40]}"
        )
    return values


def labels(cells: Any) -> Any:
    """Return cells as text, whole numbers without a point, NaN where they are empty."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_bool_dtype(cells.dtype):
        return cells.where(cells.isna(), cells.astype(str).str.strip()).astype(object)
    return cells.map(as_text, na_action="ignore").astype(object)


def as_text(value: float) -> str:
    """Return a number as short as it can be written."""
    return str(int(value)) if float(value).is_integer() else str(value)


def scalar(cells: Any, where: str) -> None:
    """Refuse a column of lists or other objects.

    Raises:
        ValueError: naming the column.
    """
    there = cells.dropna() if cells.dtype == object else ()
    for value in there[:100]:
        if not isinstance(value, str | int | float | bool):
            kind = type(value).__name__
            raise ValueError(
                f"{where}: column {cells.name!r} holds {kind}s, no numbers or texts; leave it out "
                f"with data.drop=[{cells.name}]"
            )


def complete(table: Any, names: Sequence[str], where: str) -> None:
    """Refuse empty cells.

    Raises:
        ValueError: naming the first row and column.
    """
    for name in names:
        gaps = table[name].isna()
        if gaps.any():
            raise ValueError(empty(name, row(table[name], gaps), where))


def empty(name: str, place: int, where: str) -> str:
    """Return that a cell is empty, by its column and its row from 1."""
    return (
        f"{where}: row {place}: column {name!r} is empty; fill it, or let data.missing=impute do so"
    )
