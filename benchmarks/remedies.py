"""The remedy loop: what the doctor proposes is done, as a user would who copies the command."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed.doctor import merged

LEVELS = ("fail", "warn", "info")


def findings_of(folder: Path) -> list[dict[str, Any]]:
    """Return what is written in a run's folder as found."""
    found: list[dict[str, Any]] = []
    for name in ("preflight/preflight.json", "diagnosis.json"):
        if (folder / name).is_file():
            found += json.loads((folder / name).read_text())["findings"]
    return found


def proposal(findings: Sequence[dict[str, Any]], words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the first remedy of the worst finding that has one, and its command's words.

    Args:
        findings: as they are written, those from before the training first.
        words: of the run that they were found in, where no command is written with a remedy.

    Returns:
        what it changes, and the words; nothing where nothing is proposed.
    """
    for level in LEVELS:
        for found in findings:
            if found["level"] != level or not found["remedies"] or "follows from" in found["says"]:
                continue
            remedy, commands = tuple(found["remedies"][0]), found.get("commands")
            command = shlex.split(commands[0])[2:] if commands else merged(words, remedy)
            return f"{found['symptom']}: {' '.join(remedy)}", command
    return "", []
