"""What a folder says of a run that is over: read without torch, and whole whatever is damaged."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from seedbed.run.status import standing_of

FILES = ("config.yaml", "overrides.txt", "status.json")  # one of which makes a folder a run's
LEVELS = ("fail", "warn", "info")  # of the doctor, the worst first
LEFT_OUT = ("out", "run", "trust")  # words that no two runs differ by
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is there


def parsed(text: str) -> Any:
    """Return what YAML says, plain data only.

    Raises:
        yaml.YAMLError: it is none.
    """
    loader = LOADER(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


@dataclass(frozen=True)
class Run:
    """A run as its folder tells it."""

    folder: Path
    status: str  # ok, failed, diverged, interrupted, lost, running, pruned, refused or damaged
    words: tuple[str, ...] = ()  # what was asked for on the command line
    metrics: Mapping[str, float] = field(default_factory=dict)  # those that are finite
    seconds: float | None = None  # that it took
    started: str = ""  # when, in ISO 8601
    why: str = ""  # how it ended, where it did not end well
    findings: tuple[tuple[str, str], ...] = ()  # the doctor's (level, symptom), the worst first
    examined: bool = False  # whether a doctor looked at it
    damage: str = ""  # which of its files cannot be read


class Damaged(ValueError):
    """A file that is there and cannot be read."""


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a run, or what is left of one."""
    return any((folder / name).is_file() for name in FILES)


def read(folder: Path) -> Run:
    """Return what is known of a run; what is damaged is named, and the rest told all the same."""
    damage: list[str] = []

    def content(name: str) -> dict[str, Any]:
        try:
            return load(folder / name)
        except Damaged as error:
            damage.append(str(error))
            return {}

    status, metrics, doctor = map(content, ("status.json", "metrics.json", "diagnosis.json"))
    seconds = status.get("seconds")
    return Run(
        folder,
        standing(status) if not damage else "damaged",
        words(folder / "overrides.txt"),
        {k: float(v) for k, v in metrics.items() if is_number(v)},
        None if seconds is None or not is_number(seconds) else float(seconds),
        str(status.get("started", "")),
        str(status.get("error", "")),
        tuple(findings(doctor)),
        bool(doctor),
        "; ".join(damage),
    )


def load(file: Path) -> dict[str, Any]:
    """Return the content of a JSON file, {} if there is none.

    Raises:
        Damaged: it is none, or no object.
    """
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"{file.name} is damaged") from error
    if not isinstance(content, dict):
        raise Damaged(f"{file.name} is damaged")
    return content


def standing(status: Mapping[str, Any]) -> str:
    """Return how a run stands; one whose words make no sense is damaged."""
    try:
        return standing_of(status)
    except (KeyError, TypeError, ValueError):
        return "damaged"


def words(file: Path) -> tuple[str, ...]:
    """Return what was typed of what a run is, without its folder; nothing if it is not known."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(line for line in lines if line and key(line) not in LEFT_OUT)


def key(word: str) -> str:
    """Return the key of an override: `optimizer.lr` of `++optimizer.lr=0.1`."""
    return word.lstrip("+").partition("=")[0]


def value(word: str) -> str:
    """Return the value of an override as it was typed."""
    return word.partition("=")[2]


def is_number(value: Any) -> bool:
    """Return whether a value of a JSON file is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def findings(diagnosis: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the doctor found, the worst first."""
    entries = diagnosis.get("findings")
    found = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    for level in LEVELS:
        yield from ((level, str(e.get("symptom"))) for e in found if e.get("level") == level)


def config(folder: Path) -> dict[str, Any]:
    """Return the config of a run, {} where it cannot be read.

    It costs more than all else: a thousand of them some seconds.
    """
    try:
        content = parsed((folder / "config.yaml").read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}
