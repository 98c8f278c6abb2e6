"""Run folders as runs leave them, written by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seedbed.sweep.runs import Run

DONE: dict[str, Any] = {
    "status": "ok",
    "after": "nothing",
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": 12.0,
}
CONFIG = "name: default\nmodel: {_target_: m}\nmonitor: {name: val/loss, mode: auto}\n"


def run(
    folder: Path,
    words: Sequence[str] = (),
    metrics: Mapping[str, Any] | None = None,
    findings: Sequence[tuple[str, str]] = (),
    **status: Any,
) -> Path:
    """Write a run folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "overrides.txt").write_text("".join(f"{word}\n" for word in words))
    (folder / "status.json").write_text(json.dumps(DONE | status))
    (folder / "metrics.json").write_text(json.dumps(dict(metrics or {})))
    entries = [{"symptom": name, "level": level} for level, name in findings]
    (folder / "diagnosis.json").write_text(json.dumps({"healthy": "", "findings": entries}))
    return folder


def sweep(folder: Path, settings: Mapping[str, Sequence[float]], metric: str = "val/loss") -> Path:
    """Write a sweep of settings, with a number for each of the seeds 0, 1, ... of each."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for setting, values in settings.items():
        for seed, value in enumerate(values):
            words = ["trainer=cpu", *setting.split(), f"seed={seed}"]
            run(folder / str(number), words, {metric: value, f"test/{metric[4:]}": value + 0.01})
            number += 1
    return folder


def ended(words: Sequence[str], metrics: Mapping[str, float], status: str = "ok") -> Run:
    """Return a run without its folder."""
    return Run(Path(), status, tuple(words), metrics)
