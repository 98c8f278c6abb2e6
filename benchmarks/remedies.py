"""The remedy loop: what the doctor proposes is done, as a user would who copies the command."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LEVELS = ("fail", "warn", "info")


def findings_of(folder: Path) -> list[dict[str, Any]]:
    """Return what is written in a run's folder as found, before training first."""
    found: list[dict[str, Any]] = []
    for name in ("preflight.json", "diagnosis.json"):
        if (folder / name).is_file():
            found += json.loads((folder / name).read_text())["findings"]
    return found


def proposal(findings: Sequence[dict[str, Any]]) -> tuple[str, list[str]]:
    """Return the first remedy of the worst finding that has one, and its command's words.

    Args:
        findings: as they are written.

    Returns:
        what it changes, and the words; nothing where nothing is proposed.
    """
    for level in LEVELS:
        for found in findings:
            if found["level"] == level and found.get("commands"):
                words = shlex.split(found["commands"][0])
                return f"{found['symptom']}: {' '.join(found['remedies'][0])}", words[2:]
    return "", []
