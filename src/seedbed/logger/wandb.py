"""Weights & Biases: runs in a folder, uploaded when asked for, compared in its pages."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args
from uuid import uuid4

from seedbed.logger._told import Rows, reason
from seedbed.logger._tracker import Tracker

Mode = Literal["offline", "online", "disabled"]
WAIT = 20.0  # seconds for a server's first answer


class WandB(Tracker):
    """Writes the run's curves, settings, final metrics and status for W&B; uploads no files.

    Offline, the run lies in `<folder>/wandb`, and `wandb sync` uploads it; a run that went on has a
    part for each time, all with one id.  Steps are those of the training.  Lightning's own
    `WandbLogger` counts calls instead, which start again at 0 in a run that goes on, writes into
    whatever run is open, and asks for a key.

    Args:
        folder: the run's folder.
        group: what the run belongs to: W&B's group.
        project: what its runs are compared within.
        run_name: what the run is called; null: its folder's name.
        entity: user or team; null: the one that is logged in.
        tags: more that is said about the run.
        mode: offline, online or disabled; null: what WANDB_MODE says, else offline.
    """

    needs = ("wandb",)
    certain = False  # its process keeps blocks of 32 kB in memory, and drops them if ours is killed

    def __init__(
        self,
        folder: str,
        group: str | None = None,
        project: str = "seedbed",
        run_name: str | None = None,
        entity: str | None = None,
        tags: list[str] | None = None,
        mode: Mode | None = None,
    ) -> None:
        super().__init__(folder, group)
        self.project, self.run_name, self.entity = project, run_name, entity
        self.tags, self.mode = tags, mode
        self.run: Any = None

    def _open(self, known: str | None) -> str:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        mode = cast(Mode, self.mode or os.environ.get("WANDB_MODE") or "offline")
        if mode not in get_args(Mode):
            self._say(f"WANDB_MODE={mode}: {', '.join(get_args(Mode))} are known; offline it is")
            mode = "offline"
        if known and not self.before.get("closed", True):
            set_aside(self.folder, known)
        known = known or uuid4().hex[:8]
        if mode == "online":
            try:
                self._start(known, mode)
            except Exception as error:
                import wandb

                wandb.teardown()  # the id is in use until then
                sync = f"wandb sync {self.folder}/wandb/offline-run-*"
                self._say(f"{reason(error)}; offline, to be uploaded with {sync}")
                mode = "offline"
        if self.run is None:
            self._start(known, mode)
        return known

    def _start(self, known: str, mode: Mode) -> None:
        import wandb

        if mode == "online" and not wandb.login(prompt=False):
            raise ConnectionError("no API key; set WANDB_API_KEY or run wandb login")
        self.run = wandb.init(
            mode=mode,
            id=known,
            resume="allow" if mode == "online" else None,  # offline it does so anyway
            project=self.project,
            entity=self.entity,
            name=self.run_name or self.title,
            group=self.group,
            tags=self.tags,
            dir=str(self.folder),
            reinit="create_new",
            settings=wandb.Settings(
                silent=True, console="off", save_code=False, symlink=False, init_timeout=WAIT
            ),
        )
        for path in (self.folder / "wandb").rglob("*"):
            if path.is_symlink():  # to its cache: a run folder that leads out is not gone on with
                path.unlink()
        self.run.config.update({"folder": str(self.folder), **self.settings}, allow_val_change=True)

    def _send(self, rows: Rows) -> None:
        for step, row in rows.items():
            self.run.log(row, step=step)

    def _close(self, status: str, metrics: Mapping[str, float]) -> None:
        import wandb

        self.run.summary.update({**metrics, "status": status})
        self.run.finish(exit_code=0 if status == "ok" else 1)
        wandb.teardown()  # its process, too


def set_aside(folder: Path, known: str) -> None:
    """Rename the part of a run that was killed: it holds some of what is told again."""
    for part in sorted((folder / "wandb").glob(f"offline-run-*-{known}"))[-1:]:
        if not list(part.glob("*.synced")):
            part.rename(part.with_name(f"killed-{part.name.removeprefix('offline-')}"))
