"""What the doctor found, as a part of the report."""

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedbed.report.curves import Span

SHOWN = ("info", "warn", "fail")


def read(folder: Path) -> dict[str, Any]:
    """Return the content of `diagnosis.json`, {} if there is none or it is damaged."""
    try:
        content = json.loads((folder / "diagnosis.json").read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and "findings" in content else {}


def spans(diagnosis: Mapping[str, Any]) -> dict[str, Span]:
    """Return the steps that show what is ill, by symptom."""
    ill = [each for each in diagnosis.get("findings", ()) if each["level"] in ("warn", "fail")]
    return {each["symptom"]: tuple(each["span"]) for each in ill if each["span"]}


def section(diagnosis: Mapping[str, Any]) -> str:
    """Return why the training is healthy, or a table of what ails it and what to try."""
    shown = [each for each in diagnosis["findings"] if each["level"] in SHOWN]
    why = f"<p>{html.escape(diagnosis['healthy'] or '')}</p>" if diagnosis["healthy"] else ""
    if not shown:
        return why
    head = "<tr><th>symptom</th><th>level</th><th>evidence</th><th>what to try</th></tr>"
    return f"{why}<table>{head}{''.join(map(row, shown))}</table>"


def row(each: Mapping[str, Any]) -> str:
    """Return one finding as a row."""
    likely = f"<br>likely: {html.escape(each['cause'])}" if each["cause"] else ""
    commands = "<br>".join(f"<code>{html.escape(line)}</code>" for line in each["commands"])
    cells = [each["symptom"], each["level"], html.escape(each["says"]) + likely, commands]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
