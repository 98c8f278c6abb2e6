"""What the columns of a table hold, learned in one pass over all its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.data._column import empty, numbers, parsed, row, scalar
from seedbed.data._rows import Rows

AS_CATEGORY = "; data.categorical=[{}] takes it as categories"


@dataclass(slots=True)
class Seen:
    """What was seen of a column so far."""

    gaps: int = 0  # empty cells
    numbers: int = 0  # cells that hold one
    others: int = 0  # cells that hold something else
    gap: int = 0  # the row, from 1, of the first gap; 0: none
    wrong: Any = None  # the cells of the first piece that is not all numbers of single precision
    odd: str = ""  # what is wrong with the first cell that is neither number nor text

    def look(self, cells: Any, where: str) -> None:
        """Take in the cells of another piece."""
        if not self.odd:
            try:
                scalar(cells, where)
            except ValueError as error:
                self.odd = str(error)
                return
        gaps, values = cells.isna(), parsed(cells)
        if gaps.any() and not self.gap:
            self.gap = row(cells, gaps)
        others = int((values.isna() & ~gaps).sum())
        self.gaps += int(gaps.sum())
        self.others += others
        self.numbers += int(values.notna().sum())
        if self.wrong is None and (others or (values.abs() > 3.4e38).any()):
            self.wrong = cells

    @property
    def numeric(self) -> bool:
        """Whether the column is meant as numbers: more than half of what is there are some."""
        return self.numbers > self.others


def survey(rows: Rows, names: Sequence[str]) -> dict[str, Seen]:
    """Return what each column holds."""
    seen = {name: Seen() for name in names}
    for piece in rows.pieces(names):
        for name in names:
            seen[name].look(piece[name], rows.where)
    return seen


def complete(seen: dict[str, Seen], where: str) -> None:
    """Refuse empty cells.

    Raises:
        ValueError: naming the first row and column.
    """
    for name, column in seen.items():
        if column.gap:
            raise ValueError(empty(name, column.gap, where))


def kinds(seen: dict[str, Seen], categorical: Sequence[str], where: str) -> dict[str, bool]:
    """Return for each column whether it holds numbers.

    Raises:
        ValueError: text among numbers, or cells that are neither.
    """
    for name, column in seen.items():
        if column.odd:
            raise ValueError(column.odd)
        if name not in categorical and column.numeric and column.wrong is not None:
            numbers(column.wrong, where, AS_CATEGORY.format(name))
    return {name: name not in categorical and column.numeric for name, column in seen.items()}
