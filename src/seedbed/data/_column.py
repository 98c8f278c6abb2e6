"""What the cells of a table's column are, with the row of whatever is not as it should be.

A table is a pandas DataFrame whose index counts its rows from 0; messages count from 1, after the
header.  `where` is the name of the file.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seedbed.nearest import nearest


def read_csv(path: Path, separator: str = ",") -> Any:
    """Return a CSV file as a DataFrame of text, with NaN where a cell is empty.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is empty, no text, or its rows differ in length.
    """
    import warnings

    import pandas as pd  # slow to import

    if path.is_dir():
        raise ValueError(f"{path}: a folder; a CSV file is expected")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            options: dict[str, Any] = {"sep": separator, "dtype": str, "skipinitialspace": True}
            header = pd.read_csv(path, header=None, nrows=1, **options).iloc[0]
            table = pd.read_csv(path, index_col=False, encoding="utf-8-sig", **options)
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path}: the file is empty") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error.reason})") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        why = str(error).strip().splitlines()[-1].removeprefix("Error tokenizing data. C error: ")
        raise ValueError(
            f"{path}: not a table ({why}, the header is line 1); is {separator!r} its separator?"
        ) from error
    twice = header[header.duplicated() & header.notna()]
    if len(twice):
        raise ValueError(f"{path}: two columns are named {twice.iloc[0]!r}")
    if not len(table):
        raise ValueError(f"{path}: there are no rows below the header")
    return table


def row(cells: Any, wrong: Any) -> int:
    """Return the number, from 1, of the first row that is `wrong`."""
    return int(cells.index[wrong.to_numpy().argmax()]) + 1


def demand(table: Any, names: Iterable[str], where: str, key: str) -> None:
    """Refuse names that are no columns.

    Raises:
        ValueError: with what may have been meant.
    """
    for name in names:
        if name not in table.columns:
            known = nearest(name, map(str, table.columns))
            raise ValueError(f"{where}: there is no column {name!r} ({key}); {known}")


def parsed(cells: Any) -> Any:
    """Return cells as float64, NaN where they are no number."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(cells.dtype):
        return pd.Series(float("nan"), index=cells.index, dtype="float64")
    found: Any = pd.to_numeric(cells, errors="coerce")
    return found.astype("float64")


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
            raise ValueError(
                f"{where}: row {row(table[name], gaps)}: column {name!r} is empty; fill it, or let "
                "data.missing=impute do so"
            )
