"""The rows of a table, piece by piece: one in memory is a single piece, a CSV file has many.

What reads a file several times needs no more memory than what it makes of it, and a piece.
"""

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seedbed.data._column import demand

CELLS = 2_000_000  # of a piece


class Rows:
    """A pandas DataFrame in memory, and where it comes from."""

    def __init__(self, table: Any, where: str) -> None:
        self.table, self.where = table, where
        self.columns: list[Any] = list(table.columns)

    def __len__(self) -> int:
        return len(self.table)

    def pieces(self, names: Sequence[str], text: Sequence[str] = ()) -> Iterator[Any]:
        """Yield some columns as DataFrames whose index counts all rows from 0.

        Args:
            names: of the columns.
            text: those of which the cells are wanted as they are written.
        """
        yield self.table[list(names)]

    def whole(self, name: str) -> Any:
        """Return one column, its cells as they are written."""
        import pandas as pd

        return pd.concat([piece[name] for piece in self.pieces([name], [name])])

    def demand(self, names: Sequence[str], key: str) -> None:
        """Refuse names that are no columns.

        Raises:
            ValueError: with what may have been meant.
        """
        demand(self.columns, names, self.where, key)

    def content(self) -> bytes:
        """Return bytes that differ where the content does."""
        from pandas.util import hash_pandas_object

        hashed: Any = hash_pandas_object
        columns = ",".join(map(str, self.columns)).encode()
        return columns + hashed(self.table.astype(str)).to_numpy().tobytes()


class File(Rows):
    """A CSV file, read anew in pieces whenever it is asked for.

    Args:
        path: of the file.
        separator: between cells.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is empty, no text, or two columns have one name.
    """

    def __init__(self, path: Path, separator: str = ",") -> None:
        if path.is_dir():
            raise ValueError(f"{path}: a folder; a CSV file is expected")
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such file")
        self.path, self.separator, self.where = path, separator, str(path)
        self.count = -1  # rows, once all have been seen
        import pandas as pd  # slow to import

        options: dict[str, Any] = {"sep": separator, "skipinitialspace": True}
        self.options: dict[str, Any] = options | {"encoding": "utf-8-sig"}
        with self._telling():
            header = pd.read_csv(path, header=None, nrows=1, dtype=str, **options).iloc[0]
            self.columns = list(pd.read_csv(path, nrows=0, index_col=False, **self.options).columns)
        twice = header[header.duplicated() & header.notna()]
        if len(twice):
            raise ValueError(f"{path}: two columns are named {twice.iloc[0]!r}")

    def __len__(self) -> int:
        if self.count < 0:
            for _ in self.pieces([]):
                pass
        return self.count

    def pieces(self, names: Sequence[str], text: Sequence[str] = ()) -> Iterator[Any]:
        """Yield some columns in pieces; cells that are not wanted as text may become numbers.

        Raises:
            ValueError: its rows differ in length, or there are none.
        """
        import pandas as pd

        seen, known = 0, self.count >= 0  # rows of a wrong length show where all columns are read
        with self._telling():
            reader: Any = pd.read_csv(
                self.path,
                index_col=False,
                usecols=list(names) or None if known else None,
                dtype=dict.fromkeys(text, str),
                chunksize=max(1, CELLS // len(self.columns)),
                low_memory=False,  # or half a piece could be text, and half numbers
                **self.options,
            )
        with reader:
            while (piece := self._next(reader)) is not None and len(piece):
                seen += len(piece)
                yield piece[list(names)]
        if not seen:
            raise ValueError(f"{self.path}: there are no rows below the header")
        self.count = seen

    def _next(self, reader: Any) -> Any:
        with self._telling():
            return next(reader, None)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Let what pandas says against the file name it."""
        import pandas as pd

        path = self.path
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                yield
        except pd.errors.EmptyDataError:
            raise ValueError(f"{path}: the file is empty") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not UTF-8 text ({error.reason})") from error
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            why = str(error).strip().splitlines()[-1]
            why = why.removeprefix("Error tokenizing data. C error: ")
            raise ValueError(
                f"{path}: not a table ({why}, the header is line 1); is {self.separator!r} its "
                "separator?"
            ) from error

    def content(self) -> bytes:
        """Return a SHA-256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
