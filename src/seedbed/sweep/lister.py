"""The command `stages=report report.of=<folder>`: what lies there, without running anything."""

from pathlib import Path
from typing import Any

from seedbed import atomic
from seedbed.command import Command
from seedbed.run.folder import Refused
from seedbed.sweep import finished, index, index_page

KEYS = ("stages", "report.of", "report.to", "trust")


def asked(command: Command) -> bool:
    """Return whether a command is about a folder of runs rather than about a run."""
    said = dict(command.said)
    listing = said.get("report.of") is not None or said.get("report.to") is not None
    return listing and said.get("stages") in ("report", ["report"]) and not command.sweep


def answer(command: Command) -> str:
    """Return the list of a folder's runs and sweeps, or the leaderboard of a sweep.

    Raises:
        Refused: there is no such folder, or the command says something else besides.
    """
    said = dict(command.said)
    problems = [*command.problems, *slips(command, said)]
    if problems:
        raise Refused("\n".join(problems))
    root = Path(said["report.of"])
    if finished.is_sweep(root):
        from seedbed.sweep import results  # charts and tests, for a sweep alone

        return results.conclude(root)
    listed = index.entries(root)
    lines = [index.text(root, listed)]
    if said.get("report.to"):
        page = Path(said["report.to"])
        atomic.write(page, index_page.page(root, listed, page.parent))
        lines.append(f"as a page: {page}")
    return "\n".join(lines)


def slips(command: Command, said: dict[str, Any]) -> list[str]:
    """Return what is wrong with the command."""
    found = [
        f"{key}={value}: report.of is looked at alone; leave it out"
        for key, value in command.said
        if key not in KEYS
    ]
    of, to = said.get("report.of"), said.get("report.to")
    if not of:
        found.append(f"report.to={to}: say what to list, too: report.of=logs")
    elif not Path(str(of)).is_dir():
        found.append(f"report.of={of}: there is no such folder")
    if to and Path(str(to)).suffix != ".html":
        found.append(f"report.to={to}: the name of an .html file is expected")
    elif to and not Path(str(to)).parent.is_dir():
        found.append(f"report.to={to}: there is no folder {Path(str(to)).parent}")
    if of and to and finished.is_sweep(Path(str(of))):
        found.append(f"report.to={to}: a sweep has its own page, {Path(of, 'report.html')}")
    return found
