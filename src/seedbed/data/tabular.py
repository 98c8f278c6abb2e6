"""A CSV file: one column is the target, the others are inputs of any kind.

Source: scikit-learn, "Preprocessing data", https://scikit-learn.org/stable/modules/preprocessing.html.
"""

from pathlib import Path
from typing import Any

from seedbed.data._bundled import is_bundled, read_bundled
from seedbed.data._rows import File, Rows
from seedbed.data._table import Table


class Tabular(Table):
    """Learns a column of a CSV file from the others: regression, two classes or several.

    Numbers stay numbers, texts become one-hot columns, columns of one value are left out; what was
    inferred is shown before training.  Medians and categories come from the training split alone.

    Args:
        path: CSV file with a header; or `sklearn:diabetes`, `breast_cancer`, `wine`, `iris`, whose
            column to predict is `target`.
        target: column to predict.
        test_path: CSV file of test rows; null: a share of the rows, stratified, tests.
        separator: between cells; for a semicolon write `'data.separator=";"'`.
        common: see `Table`.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        path: str,
        target: str,
        test_path: str | None = None,
        separator: str = ",",
        **common: Any,
    ) -> None:
        super().__init__(target, **common)
        if len(separator) != 1:
            raise ValueError(f"separator must be one character, got {separator!r}")
        if is_bundled(path) and test_path:
            raise ValueError(f"test_path: {path} is split as it is; leave it out")
        self.path, self.test_path, self.separator = path, test_path, separator

    def frames(self) -> tuple[Rows, Rows | None]:
        """Read the files, or the table of scikit-learn."""
        if is_bundled(self.path):
            return Rows(read_bundled(self.path), self.path), None
        train, *test = (
            File(Path(path), self.separator) for path in (self.path, self.test_path) if path
        )
        return train, test[0] if test else None
