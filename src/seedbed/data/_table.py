"""Tables of mixed columns: what is a number, what a category, what the target."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from seedbed.data._encoder import Encoder, fit
from seedbed.data._overview import overview
from seedbed.data._rows import File, Rows
from seedbed.data._split import split
from seedbed.data._splits import Splits
from seedbed.data._survey import complete, kinds, survey
from seedbed.data._target import Asked, Target, target_of
from seedbed.types import Batch, Inputs, Kind, Split


class Table(Splits):
    """Encodes the columns of a table, by what the training rows alone say.

    Args:
        target: column to predict.
        drop: columns to leave out.
        categorical: columns to take as categories although they hold numbers.
        kind: `class`, `value`, or `auto`: texts are classes, and whole numbers if few differ.
        max_classes: different whole numbers that `auto` still takes as classes.
        missing: `impute` fills numbers by the training rows' median and gives empty categories a
            column of their own; `refuse` names the first empty cell.
        max_categories: different texts that a column may have.
        group: column whose equal values stay in one split; not an input.  null: none.
        test_fraction: share of the rows that only tests where no test rows are given, in (0, 1).
        common: see `Splits`.

    Raises:
        ValueError: an argument outside its range.
    """

    splits: dict[Split, Batch]

    def __init__(
        self,
        target: str,
        *,
        drop: Sequence[str] = (),
        categorical: Sequence[str] = (),
        kind: Asked = "auto",
        max_classes: int = 20,
        missing: Literal["impute", "refuse"] = "impute",
        max_categories: int = 50,
        group: str | None = None,
        test_fraction: float = 0.2,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction must lie in (0, 1), got {test_fraction}")
        if min(max_classes, max_categories) < 2:
            raise ValueError(
                "max_classes and max_categories must be at least 2, got "
                f"{max_classes} and {max_categories}"
            )
        twice = {target, group} & {*drop} or {target} & {*categorical, group}
        if twice:
            raise ValueError(
                f"{twice.pop()!r} is named twice among target, group, drop, categorical"
            )
        self.target, self.drop, self.categorical = target, list(drop), list(categorical)
        self.asked: Asked = kind
        self.max_classes, self.missing = max_classes, missing
        self.max_categories, self.group, self.test_fraction = max_categories, group, test_fraction
        self.encoder, self.reading = Encoder((), True), Target("value")
        self._notes = ""

    @classmethod
    def kind(cls, **arguments: object) -> Kind | None:
        """Return what the user says; else only reading tells."""
        return {"class": "class", "value": "value"}.get(str(arguments.get("kind")))  # pyright: ignore[reportReturnType]

    def frames(self) -> tuple[Rows, Rows | None]:
        """Return the training rows, and the test rows where they are apart."""
        raise NotImplementedError

    def class_names(self) -> tuple[str, ...]:
        """Return the classes that the target names."""
        return self.reading.names

    def notes(self) -> str:
        """Return how the columns were read."""
        return self._notes

    def examples(self) -> dict[Split, Batch]:
        """Return the encoded splits."""
        rows, test = self.frames()
        rows.demand([self.target], "data.target")
        rows.demand(self.drop, "data.drop")
        rows.demand(self.categorical, "data.categorical")
        rows.demand([self.group] if self.group else [], "data.group")
        away = {self.target, self.group, *self.drop}
        seen = survey(rows, [name for name in rows.columns if name not in away])
        if self.missing == "refuse":
            complete(seen, rows.where)
        number = kinds(seen, self.categorical, rows.where)
        y = self._learn_target(rows)
        places = self._places(y, rows, test)
        impute, most = self.missing == "impute", self.max_categories
        self.encoder, x = fit(rows, number, places, impute=impute, most=most)
        self.untouched = self.encoder.untouched
        self.source = digest(rows, test)
        found: dict[Split, Batch] = {s: Batch(x[s], y[at]) for s, at in places.items()}
        if test is not None:
            found["test"] = self._test(test)
        self._notes = overview(rows, seen, self.target, self.reading, self.encoder)
        return found

    def _learn_target(self, rows: Rows) -> Tensor:
        cells, where = rows.whole(self.target), rows.where
        self.reading = target_of(cells, self.asked, self.max_classes, where)
        self.targets = self.reading.kind
        return self.reading.encode(cells, where)

    def _places(self, y: Tensor, rows: Rows, test: Rows | None) -> dict[Split, Tensor]:
        """Return which rows form which split; the test split only if it has no rows of its own."""
        groups = group_ids(rows, self.group)
        names, found = self.reading.names, {}
        left = torch.arange(len(y))
        if test is None:
            left, found["test"] = self._cut(y, left, groups, self.test_fraction)
        elif self.group:
            refuse_shared(rows, test, self.group)
        left, found["val"] = self._cut(y, left, groups)
        if self.fraction < 1:
            _, some = split(y[left], self.fraction, self.seed, names=names)
            left = left[some]
        return {"train": left, **found}

    def _cut(
        self, y: Tensor, left: Tensor, groups: Tensor | None, share: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the rest and a share of it, or what validates."""
        within, names = None if groups is None else groups[left], self.reading.names
        try:
            if share is None:
                rest, part = self.held_out(y[left], groups=within, names=names)
            else:
                rest, part = split(y[left], share, self.seed, groups=within, names=names)
        except ValueError as error:
            alike = self.asked == "auto" and self.reading.counted
            hint = "; data.kind=value takes the target as real numbers" if alike else ""
            raise ValueError(f"{error}{hint}") from error
        return left[rest], left[part]

    def _test(self, test: Rows) -> Batch:
        test.demand([self.target], "data.target")
        y = self.reading.encode(test.whole(self.target), test.where)
        return Batch(self.encoder.encode(test), y)

    def inputs(self, path: Path) -> tuple[Inputs, Tensor | None]:
        """Return the encoded rows of a CSV file, and their targets where all are there."""
        if path.suffix == ".npy":
            return super().inputs(path)
        rows = File(path, getattr(self, "separator", ","))
        x, y = self.encoder.encode(rows), None
        if self.target in rows.columns:
            cells = rows.whole(self.target)
            y = self.reading.encode(cells, rows.where) if cells.notna().all() else None
        return x, y


def group_ids(rows: Rows, group: str | None) -> Tensor | None:
    """Return a number for the group of every row, `(N,)` int64.

    Raises:
        ValueError: a row belongs to none.
    """
    if group is None:
        return None
    complete(survey(rows, [group]), rows.where)
    codes = rows.whole(group).astype(str).factorize()[0]
    return torch.from_numpy(codes.astype("int64"))


def refuse_shared(rows: Rows, test: Rows, group: str) -> None:
    """Refuse test rows of groups that train.

    Raises:
        ValueError: naming one of them.
    """
    test.demand([group], "data.group")
    shared = {*rows.whole(group).astype(str)} & {*test.whole(group).astype(str)}
    if shared:
        raise ValueError(f"{test.where}: {group} {min(shared)!r} is also in {rows.where}")


def digest(*tables: Rows | None) -> str:
    """Return a SHA-256 of the content of tables."""
    return hashlib.sha256(
        b"".join(table.content() for table in tables if table is not None)
    ).hexdigest()
