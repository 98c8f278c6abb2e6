"""What a run's preflight found, for its report: read from the files that it wrote."""

import html
import json
from pathlib import Path
from typing import Any

from seedbed.doctor._masks import consequence

SHOWN = ("inputs.png", "rate_range.png", "label_issues.png")
LEVELS = ("fail", "warn", "info", "unknown", "pass")


def read(run: Path) -> list[dict[str, Any]]:
    """Return the findings of a run folder; none where it had no preflight."""
    try:
        content = json.loads((run / "preflight/preflight.json").read_text())
        found = [each for each in content["findings"] if each["level"] in LEVELS]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted(found, key=lambda each: LEVELS.index(each["level"]))


def pictures(run: Path) -> list[tuple[str, Path]]:
    """Return the pictures that are there, each with words for who cannot see it."""
    words = ("what the net sees", "loss over learning rates", "odd labels")
    files = [run / "preflight" / name for name in SHOWN]
    return [(said, file) for said, file in zip(words, files, strict=True) if file.is_file()]


def page(findings: list[dict[str, Any]]) -> str:
    """Return the findings as a table."""
    rows = ["<tr><th></th><th>check</th><th>evidence</th></tr>"]
    for each in findings:
        said = html.escape(str(each.get("says", "")))
        if consequence(str(each.get("cause", ""))):
            said += f"; {html.escape(str(each['cause']))}"
        if each["level"] in ("fail", "warn"):
            cause = html.escape(str(each.get("cause", "")))
            tries = [" ".join(map(str, words)) for words in each.get("remedies", [])][:3]
            said += f"<br>likely: {cause}" if cause else ""
            said += "".join(f"<br>try: <code>{html.escape(words)}</code>" for words in tries)
        level, name = html.escape(each["level"]), html.escape(str(each.get("symptom", "")))
        rows.append(f"<tr><td>{level}</td><td>{name}</td><td>{said}</td></tr>")
    return f"<table>{''.join(rows)}</table>"
