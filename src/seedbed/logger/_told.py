"""What a store was told of a run, and what it was not."""

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seedbed.logger.csv import read_rows

FILE = "loggers.json"  # in the run's folder: the id of its run elsewhere, and what is there already
LOGIN = re.compile(r"//[^/@\s]*@")  # in an address
Rows = dict[int, dict[str, float]]  # by step
NOTHING: dict[str, Any] = {"step": -1, "names": []}  # is told of a run that has not begun


def untold(rows: Rows, before: Mapping[str, Any], sent: Mapping[str, Any]) -> Rows:
    """Return the rows, by step, without what the store was told already.

    Args:
        rows: scalars of each step.
        before: what an earlier part of the run told: the last `step`, and the `names` of that step.
        sent: what is told by now, in the same words.
    """
    found: Rows = {}
    for step in sorted(rows):
        known = {name for told in (before, sent) if told["step"] == step for name in told["names"]}
        row = {name: value for name, value in rows[step].items() if name not in known}
        if row and step >= before["step"]:
            found[step] = row
    return found


def history(folder: Path) -> Rows:
    """Return what the earlier parts of a run have logged, by step."""
    return {
        int(row["step"]): {k: float(v) for k, v in row.items() if v and k != "step"}
        for row in read_rows(folder / "history.csv")
    }


def noted(folder: Path) -> dict[str, Any]:
    """Return what `loggers.json` says, nothing if it is not there or damaged."""
    try:
        content = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def silent() -> Iterator[None]:
    """Keep a library's warnings to its own authors off a user's terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def reason(error: Exception) -> str:
    """Return what went wrong in one line, without a password in an address."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return LOGIN.sub("//", said[0])[:200]
