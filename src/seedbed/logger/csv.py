"""`history.csv`: every logged scalar, one row a step that logged something."""

import csv
import io
import time
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from seedbed.atomic import appended, write

PAUSE = 1.0  # seconds between two writings: a file is opened and closed for each


class CSV(Logger):
    """Writes one table that a spreadsheet opens: `step`, `epoch`, then a column for each scalar.

    Rows are written when their step is over, so that validation stands beside training, once a
    second; a scalar that appears for the first time adds a column.

    Args:
        folder: where `history.csv` goes.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.path = Path(folder, "history.csv")
        self.columns = ["step", "epoch"]
        self.goes_on = self.path.exists()
        for row in read_rows(self.path)[:1]:
            self.columns = list(row)
        self.row: dict[str, Any] = {}
        self.waiting: list[dict[str, Any]] = []  # rows that are over and not yet in the table
        self.written: dict[str, Any] = {}  # the last row that is over
        self.at: float | None = None  # when the table was written; None: not by this process

    @property
    def name(self) -> str:
        """The name of this logger."""
        return "csv"

    @property
    def version(self) -> str:
        """Nothing: a run folder holds one history."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add scalars to the row of `step`."""
        if self.goes_on:
            self._go_back(step or 0)
        if self.row and self.row["step"] != step:
            self._flush()
        if not self.row and self.written.get("step") == step:  # it was not over yet
            self.row = self.written
        self.row |= {"step": step, **metrics}

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Write nothing: the folder holds the config already."""

    @rank_zero_only
    def save(self) -> None:
        """Write what is not yet."""
        self._flush()
        self._append()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is not yet."""
        self.save()

    def _flush(self) -> None:
        if not self.row:
            return
        new = [name for name in self.row if name not in self.columns]
        again = self.row is self.written
        if new or again or self.at is None:
            self._append()
            before = read_rows(self.path)
            self.columns = [*self.columns, *new]
            self._rewrite([*(before[:-1] if again else before), self.row])
        else:
            self.waiting.append(self.row)
            if time.monotonic() - self.at > PAUSE:
                self._append()
        self.row, self.written = {}, self.row

    def _append(self) -> None:
        if self.waiting and self.path.exists():
            with appended(self.path) as file:
                csv.DictWriter(file, self.columns, restval="").writerows(self.waiting)
            self.at = time.monotonic()
        elif self.waiting:  # somebody has deleted it
            self._rewrite(self.waiting)
        self.waiting = []

    def _go_back(self, step: int) -> None:
        """Forget what an interrupted run logged beyond the checkpoint that it goes on from."""
        self.goes_on = False
        rows = read_rows(self.path)
        kept = [row for row in rows if int(row["step"]) <= step]
        if len(kept) < len(rows):
            self._rewrite(kept)
        if kept and int(kept[-1]["step"]) == step:  # what is logged now belongs to its last row
            self.written = {k: v for k, v in kept[-1].items() if v} | {"step": step}

    def _rewrite(self, rows: list[dict[str, Any]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
        write(self.path, text.getvalue())  # at once: a crash must not cost the history
        self.at = time.monotonic()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table as text, none if there is no table."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
