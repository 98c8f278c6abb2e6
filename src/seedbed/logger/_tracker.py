"""A logger that writes to somebody else's store: what ours have in common."""

import json
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from seedbed.atomic import write

FILE = "loggers.json"  # in the run's folder: the id of its run elsewhere, and what is there already
EVERY = 10.0  # seconds between two deliveries
PAUSE = 60.0  # seconds without a try after one that failed
LOGIN = re.compile(r"//[^/@\s]*@")  # in an address

Rows = dict[int, dict[str, float]]  # by step


class Tracker(Logger):
    """Collects what is logged and delivers it every few seconds; no training waits or fails for it.

    `loggers.json` in the run's folder says which run of the store this one is and up to which step
    it was told.  So a run that goes on is the same one there, and what its interrupted part had
    told beyond the checkpoint is not told twice.

    Args:
        folder: the run's folder.
        group: what the run belongs to, None for a run of its own.
    """

    needs: ClassVar[tuple[str, ...]] = ()  # packages that may not be installed

    def __init__(self, folder: str, group: str | None) -> None:
        super().__init__()
        self.folder, self.group = Path(folder), group
        self.settings: dict[str, Any] = {}
        self.rows: Rows = {}
        self.times: dict[int, float] = {}  # of a step's first number, in seconds since 1970
        self.opened = False
        self.troubled = False
        self.due = 0.0  # when the next delivery is, by the monotonic clock
        self.before: dict[str, Any] = {}  # what another process has told
        self.sent: dict[str, Any] = {}  # what is told

    @property
    def name(self) -> str:
        """The option's name."""
        return type(self).__name__.lower()

    @property
    def version(self) -> str:
        """Nothing: a run is one there."""
        return ""

    @property
    def title(self) -> str:
        """What the run is called there."""
        return f"{self.group}/{self.folder.name}" if self.group else self.folder.name

    @rank_zero_only
    def begin(self, settings: Mapping[str, Any]) -> None:
        """Open the run there, with the settings of this one."""
        self.settings = dict(settings)
        self._deliver()

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Keep scalars until they are delivered."""
        row = self.rows.setdefault(step or 0, {})
        row.update({name: float(value) for name, value in metrics.items()})
        self.times.setdefault(step or 0, time.time())
        if time.monotonic() > self.due:
            self._deliver()

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Write nothing: `begin` has the settings."""

    @rank_zero_only
    def save(self) -> None:
        """Deliver all of it before a checkpoint, from which a run may go on."""
        if self.opened and not self.troubled:
            self._deliver()

    @rank_zero_only
    def end(self, status: str, metrics: Mapping[str, float]) -> None:
        """Deliver the rest, the final metrics, and how the run ended; close the run there."""
        if not (self.opened or self.rows):
            return  # nothing was begun
        self._deliver()
        final = {f"final/{name}": value for name, value in metrics.items()}
        if self.opened and not self.rows:
            self._tried(lambda: self._close(status, final))
        else:
            self._say(f"{len(self.rows)} steps were not delivered; history.csv has them")
        self.opened = False

    def _deliver(self) -> None:
        self.due = time.monotonic() + EVERY
        if not self._tried(self._send_all):
            self.due += PAUSE

    def _send_all(self) -> None:
        if not self.opened:
            self.before = noted(self.folder).get(self.name, {})
            known = self._open(self.before.get("id"))
            self.before = self.before if known == self.before.get("id") else {}
            self.sent = {"step": -1, "names": []} | self.before | {"id": known}
            self.opened = True
            self._note()
        if rows := dict(untold(self.rows, self.before)):
            self._send(rows)
            last = max(rows)
            same = self.sent["names"] if last == self.sent["step"] else []
            self.sent |= {"step": last, "names": sorted({*same, *rows[last]})}
            self._note()
        self.rows, self.times = {}, {}

    def _tried(self, deliver: Callable[[], None]) -> bool:
        """Return whether it went well; say once if not."""
        try:
            with silent():
                deliver()
        except Exception as error:
            if not self.troubled:
                self._say(f"{reason(error)}; training goes on, and history.csv has every number")
            self.troubled = True
            return False
        self.troubled = False
        return True

    def _say(self, what: str) -> None:
        sys.stderr.write(f"logger.{self.name}: {what}\n")

    def _note(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = noted(self.folder) | {self.name: self.sent}
        write(self.folder / FILE, json.dumps(content, indent=2) + "\n")

    def _open(self, known: str | None) -> str:
        """Open the run of this id, or a new one, with `settings`; return its id."""
        raise NotImplementedError

    def _send(self, rows: Rows) -> None:
        """Write scalars, in the order of their steps."""
        raise NotImplementedError

    def _close(self, status: str, metrics: Mapping[str, float]) -> None:
        """Write final metrics and close the run."""
        raise NotImplementedError


def untold(rows: Rows, before: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the rows, by step, without what an earlier part of the run has told.

    Args:
        rows: scalars of each step.
        before: `step`, the last that was told, and the `names` of its scalars.
    """
    last, names = before.get("step", -1), before.get("names", [])
    for step in sorted(rows):
        row = {k: v for k, v in rows[step].items() if step > last or k not in names}
        if row and step >= last:
            yield step, row


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
