"""A logger that writes to somebody else's store: what ours have in common."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from seedbed.atomic import write
from seedbed.logger._told import FILE, NOTHING, Rows, history, noted, reason, silent, untold

EVERY = 10.0  # seconds between two deliveries
LATE = 2  # newest steps that wait for the next delivery: some of their numbers come later
PAUSE = 60.0  # seconds without a try after one that failed


class Tracker(Logger):
    """Collects what is logged and delivers it every few seconds; no training waits or fails for it.

    `loggers.json` in the run's folder says which run of the store this one is and up to which step
    it was told.  So a run that goes on is the same one there: what its interrupted part had told
    beyond the checkpoint is not told twice, and what it could not tell is taken from history.csv.

    Args:
        folder: the run's folder.
        group: what the run belongs to, None for a run of its own.
    """

    needs: ClassVar[tuple[str, ...]] = ()  # packages that may not be installed
    certain: ClassVar[bool] = True  # what was sent is kept, though this process be killed

    def __init__(self, folder: str, group: str | None) -> None:
        super().__init__()
        self.folder, self.group = Path(folder), group
        self.settings: dict[str, Any] = {}
        self.rows: Rows = {}
        self.times: dict[int, float] = {}  # of a step's first number, in seconds since 1970
        self.opened = False
        self.troubled = False
        self.due = 0.0  # when the next delivery is, by the monotonic clock
        self.before = dict(NOTHING)  # what another process has told
        self.sent = dict(NOTHING)  # what is told

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
            self._deliver(but=LATE)

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
            self._tried(lambda: self._end(status, final))
        else:
            self._say(f"steps that were not delivered: {len(self.rows)}; history.csv has them")
        self.opened = False

    def _deliver(self, but: int = 0) -> None:
        """Deliver what is there, without the newest steps of this number."""
        self.due = time.monotonic() + EVERY
        if not self._tried(lambda: self._send_all(but)):
            self.due += PAUSE

    def _send_all(self, but: int) -> None:
        if not self.opened:
            self._begin()
        steps = sorted(self.rows)[: len(self.rows) - but]
        rows = untold({step: self.rows[step] for step in steps}, self.before, self.sent)
        if rows:
            self._send(rows)
            last = max(rows)
            same = self.sent["names"] if last == self.sent["step"] else []
            if last >= self.sent["step"]:
                self.sent |= {"step": last, "names": sorted({*same, *rows[last]})}
            self._note()
        for step in steps:
            del self.rows[step], self.times[step]

    def _begin(self) -> None:
        self.before = NOTHING | noted(self.folder).get(self.name, {})
        known = self._open(self.before.get("id"))
        if known != self.before.get("id"):
            self.before = NOTHING | {"id": known}
        self.sent = dict(self.before)
        for step, row in history(self.folder).items():
            self.rows[step] = row | self.rows.get(step, {})
            self.times.setdefault(step, time.time())
        self.opened = True
        self._note()

    def _end(self, status: str, final: Mapping[str, float]) -> None:
        self._close(status, final)
        self._note(closed=True)

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

    def _note(self, closed: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        sure = self.sent if self.certain or closed else self.before
        content = noted(self.folder) | {self.name: sure | {"closed": closed}}
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
