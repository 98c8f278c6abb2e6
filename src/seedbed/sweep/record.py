"""What a sweep is: `sweep.yaml`, written into its folder before the first job.

It says what was asked for and what each job is, so that another command can go on with it.  How
the jobs are launched is no part of it: that is said on the command line alone, as a folder that
came from elsewhere must not be able to name a machine or a shell's words.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from seedbed.run.environment import diffs, environment
from seedbed.run.folder import Refused, write_yaml
from seedbed.secret import redacted

FILE = "sweep.yaml"
FOLDERS = Path("logs/sweeps")
KEPT = re.compile(r"\+*(run|out|trust)=")  # words that no record of a job may hold


@dataclass
class Sweep:
    """A sweep as it was asked for.

    Args:
        words: overrides of the command line, as typed.
        argv: all of it, with its flags and its launcher; for a reader.
        jobs: overrides of each job, by its number.
        monitor: name and mode of the metric that its jobs are compared by.
        search: what proposes the jobs, as `sweep=` was told: its `settings`, its `goals`, the
            numbers of its `trials`, and its `words` as typed; {}: every combination is a job.
        code: what tells the code that it began with.
    """

    words: list[str]
    argv: list[str]
    jobs: list[list[str]]
    monitor: dict[str, str]
    search: dict[str, Any] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)


def write(folder: Path, sweep: Sweep) -> None:
    """Write a sweep down, whole or not at all.

    Raises:
        Refused: the disk does not take it.
    """
    plain = asdict(sweep)
    plain["words"], plain["jobs"] = as_typed(sweep.words), [as_typed(job) for job in sweep.jobs]
    plain["argv"] = [redacted(word) for word in sweep.argv]
    try:
        write_yaml(folder / FILE, plain)
    except OSError as error:
        raise Refused(str(error)) from error


def as_typed(words: Sequence[str]) -> list[str]:
    """Return overrides as they were typed, without whom they trust."""
    return [word.removeprefix("++") for word in words if not KEPT.match(word)]


def is_sweep(folder: Path) -> bool:
    """Return whether a sweep lies there."""
    return (folder / FILE).is_file()


def read(folder: Path) -> Sweep:
    """Return the sweep of a folder.

    Raises:
        Refused: its file is damaged, or names what a job cannot say of itself.
    """
    file = folder / FILE
    try:
        plain = yaml.safe_load(file.read_text())
        sweep = Sweep(**plain)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise Refused(f"run={folder}: {file} is damaged") from error
    some = bool(sweep.jobs or sweep.search)
    if not (is_words(sweep.words) and some and all(map(is_words, sweep.jobs))):
        raise Refused(f"run={folder}: {file} is damaged")
    return sweep


def is_words(words: Any) -> bool:
    """Return whether a value is overrides that a job may have."""
    plain = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return plain and not any(KEPT.match(word) or word.startswith("-") for word in words)


def code() -> dict[str, str]:
    """Return what tells the code that runs now: commits, and a mark of what is not committed."""
    known: dict[str, Any] = environment()
    found = {"git": known.get("git"), "seedbed": (known.get("seedbed") or {}).get("git")}
    changed = hashlib.sha256(repr(sorted(diffs().items())).encode()).hexdigest()[:12]
    return {name: commit for name, commit in found.items() if commit} | {"changes": changed}
