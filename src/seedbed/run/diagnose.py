"""The stage `diagnose`: what ails a training that is over, from what it wrote.  No torch here."""

import contextlib
import json
from functools import partial
from pathlib import Path
from typing import Any

from seedbed import atomic, doctor
from seedbed.doctor import Case, _history, _record
from seedbed.run import remedy
from seedbed.run.folder import Refused, newest, read_config, read_json


def of_run(run: Path, out: Path) -> None:
    """Diagnose a run folder: write `diagnosis.json` to `out`, and print it.

    Raises:
        Refused: its history cannot be read.
    """
    config = read_config(newest(run))
    chosen = config.get("doctor") or {}
    off = chosen.get("disable") or ()
    case = case_of(run, config)
    known = shown(case, [off] if isinstance(off, str) else off, partial(remedy.command, run))
    atomic.write(out / "diagnosis.json", _record.text(known))


def case_of(run: Path, config: dict[str, Any]) -> Case:
    """Return what a run folder knows of its training; one that still runs has begun to tell."""
    try:
        curves = _history.own(run / "history.csv")
    except _history.Unreadable as error:
        raise Refused(str(error)) from error
    facts = dict(read_json(run / "diagnosis.json").get("facts") or {})
    status = read_json(run / "status.json")
    if status.get("status") == "diverged" and not facts.get("diverged"):
        facts["diverged"] = str(status.get("error", "")).partition(": ")[2]
    return Case(curves, facts, config)


def of_file(history: Path, out: Path | None) -> None:
    """Diagnose somebody else's curves: print what can be said, and write it where asked.

    Raises:
        Refused: the file has no losses, or the folder cannot be made.
    """
    try:
        curves, others, unit = _history.foreign(history)
    except _history.Unreadable as error:
        raise Refused(f"diagnose.history: {error}") from error
    read = ", ".join(f"{name} ({len(curve)})" for name, curve in curves.items())
    print(f"read: {read}")  # noqa: T201
    if others:
        print(f"not read: {', '.join(others)}")  # noqa: T201
    diagnosis = shown(Case(curves, {"unit": unit}), (), lambda words: "")
    if out is not None:
        with contextlib.suppress(FileExistsError):
            out.mkdir(parents=True)
        atomic.write(out / "diagnosis.json", json.dumps(diagnosis, indent=2) + "\n")


def shown(case: Case, off: Any, command: _record.Command) -> dict[str, Any]:
    """Examine a case, print the diagnosis, and return it."""
    findings = doctor.examine(case, off)
    diagnosis = _record.record(case, findings, command, doctor.healthy(findings))
    print(_record.table(diagnosis))  # noqa: T201
    return diagnosis
