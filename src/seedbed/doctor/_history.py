"""Curves from a table: a run's own `history.csv`, or somebody else's."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.doctor._case import Curve

STEPS = ("step", "global_step", "iteration", "iter", "steps", "updates", "batch")
EPOCHS = ("epoch", "epochs")
MEANINGS = {  # what others call it, in small letters, with _ for all that is no letter or digit
    "train/loss": "loss train_loss training_loss loss_train train_loss_epoch",
    "train/loss_step": "train_loss_step loss_step batch_loss",
    "val/loss": "val_loss valid_loss validation_loss loss_val eval_loss dev_loss val_loss_epoch "
    "test_loss",
    "train/acc": "acc accuracy train_acc train_accuracy training_accuracy acc_train",
    "val/acc": "val_acc val_accuracy valid_acc valid_accuracy validation_accuracy validation_acc "
    "acc_val eval_accuracy eval_acc dev_acc test_acc test_accuracy",
    "lr": "lr learning_rate learningrate",
    "gradient/norm": "grad_norm gradient_norm",
}
NAMES = {word: name for name, words in MEANINGS.items() for word in words.split()}


class Unreadable(ValueError):
    """A table in which no loss can be found: why, in one line."""


def own(path: Path, until: float = math.inf) -> dict[str, Curve]:
    """Return the curves of a run's own history, up to a step; {} if there is none."""
    if not path.is_file():
        return {}
    rows = [row for row in rows_of(path) if row.get("step")]
    rows = [row for row in rows if number(row["step"]) <= until]
    columns = [name for name in (rows[0] if rows else ()) if name not in ("step", "epoch")]
    return curves(rows, [number(row["step"]) for row in rows], {name: name for name in columns})


def foreign(path: Path) -> tuple[dict[str, Curve], list[str], str]:
    """Return the curves of anybody's table, the columns that mean nothing here, and the unit.

    Steps are those of a column of that name, else epochs, else rows, which may be epochs.

    Raises:
        Unreadable: it is no table, or has no loss in numbers.
    """
    rows = rows_of(path)
    columns = [name for name in (rows[0] if rows else ()) if name]
    known: dict[str, str] = {}
    for column in columns:
        name = NAMES.get(plain(column), column if "/" in column else "")
        if name and name not in known.values():
            known[column] = name
    if not {"train/loss", "train/loss_step", "val/loss"} & set(known.values()):
        said = ", ".join(columns[:12]) or "none"
        raise Unreadable(
            f"{path}: no column with a loss (such as train_loss, val_loss, loss); there is {said}"
        )
    axis = next((c for names in (STEPS, EPOCHS) for c in columns if plain(c) in names), None)
    at = [number(row[axis]) if axis else math.nan for row in rows]
    steps = [float(n + 1) if math.isnan(step) else step for n, step in enumerate(at)]
    others = [c for c in columns if c not in known and plain(c) not in (*STEPS, *EPOCHS)]
    unit = "step" if axis and plain(axis) in STEPS else "epoch"
    found = percent(curves(rows, steps, known))
    if not found:
        raise Unreadable(f"{path}: there is no number in {', '.join(known)}")
    return found, others, unit


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table as text; its separator is the likeliest.

    Raises:
        Unreadable: it is no table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        return list(csv.DictReader(text.splitlines(), delimiter=separator, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "it is no table of text"
        raise Unreadable(f"{path}: cannot be read ({why})") from error


def curves(
    rows: Iterable[Mapping[str, Any]], steps: Sequence[float], names: Mapping[str, str]
) -> dict[str, Curve]:
    """Return a curve for each column that has a value; cells without one are left out.

    Args:
        rows: cells by column, as text.
        steps: of the rows; brought into their order.
        names: of the curves, by column.
    """
    found: dict[str, dict[float, float]] = {name: {} for name in names.values()}
    for step, row in zip(steps, rows, strict=True):
        for column, name in names.items():
            text = decimal(row[column])
            if text and is_number(text):
                found[name][step] = number(text)
    return {name: as_curve(points) for name, points in found.items() if points}


def as_curve(points: Mapping[float, float]) -> Curve:
    """Return a curve of values by step."""
    steps = sorted(points)
    return Curve(np.array(steps, dtype=float), np.array([points[s] for s in steps], dtype=float))


def percent(found: dict[str, Curve]) -> dict[str, Curve]:
    """Return curves with accuracies from 0 to 1, where they were counted in percent."""
    for name in ("train/acc", "val/acc"):
        if name in found and np.nanmax(np.append(found[name].values, 0)) > 1.5:
            found[name] = Curve(found[name].steps, found[name].values / 100)
    return found


def plain(name: str) -> str:
    """Return a column's name in small letters, words joined by _."""
    letters = "".join(c if c.isalnum() else " " for c in name.lower())
    return "_".join(letters.split())


def is_number(text: str) -> bool:
    """Return whether a text is a number, NaN among them."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def number(text: Any) -> float:
    """Return the number that a text says, NaN if it says none."""
    text = decimal(text)
    return float(text) if text and is_number(text) else math.nan


def decimal(text: Any) -> str:
    """Return the text of a number with a point, which many tables write as a comma."""
    return str(text or "").strip().replace(",", ".")
