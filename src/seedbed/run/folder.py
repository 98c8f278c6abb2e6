"""A run folder: what is written down about a run, beside what it learned.  No torch here."""

import contextlib
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from seedbed.atomic import ADDRESS, write
from seedbed.run.environment import diffs, environment

BEFORE_CONFIG = ("overrides.txt", "environment.json", "git.diff", "seedbed.diff")  # by `create`


class Refused(Exception):
    """A command that no run can be made of: a line a problem, exit code 2, nothing left behind."""


class Differs(Exception):
    """A run that was trained again and has other numbers: what differs, a line each."""


class Unsound(Exception):
    """A run that is not to be trained as it is: what its preflight found."""


def new_id() -> str:
    """Return a name that sorts by time and never collides."""
    return f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{uuid4().hex[:8]}"


def create(out: Path, config: Mapping[str, Any], overrides: Sequence[str]) -> None:
    """Make the folder of a new run and write down what it is a run of.

    Raises:
        Refused: it cannot be made, or the disk is full.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"out={out}: the folder cannot be made ({error.strerror})") from error
    words = (word.removeprefix("++") for word in overrides)  # as they were typed
    try:
        write(out / "overrides.txt", "".join(f"{word}\n" for word in words))
        write_json(out / "environment.json", environment())
        for name, text in diffs().items():
            write(out / name, text)
        write_yaml(out / "config.yaml", config)  # the last: with it, this is a run folder
    except OSError as error:
        remove(out)
        raise Refused(str(error)) from error


def remove(out: Path) -> None:
    """Delete the folder of a run that was refused before it learned anything."""
    if (out / "checkpoints").exists():
        return
    shutil.rmtree(out, ignore_errors=True)
    for parent in (out.parent, out.parent.parent):
        with contextlib.suppress(OSError):
            parent.rmdir()  # only where it is empty


def read_config(run: Path) -> dict[str, Any]:
    """Return the config that a run was made with.

    Raises:
        Refused: `run` is no run folder.
    """
    file = run / "config.yaml"
    if ADDRESS.match(str(run)):
        raise Refused(f"run={run}: a folder of this machine is expected")
    if not file.is_file():
        raise Refused(f"run={run}: no run folder and no sweep's, there is no {file}")
    try:
        saved = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise Refused(f"run={run}: {file} is damaged") from error
    if not isinstance(saved, dict) or "model" not in saved:
        raise Refused(f"run={run}: {file} is damaged")
    return saved


def newest(run: Path) -> Path:
    """Return where the config of the newest training of a run lies: in it, or in a rerun."""

    def made(config: Path) -> tuple[str, int]:
        return config.parent.name[
            :19
        ], config.stat().st_mtime_ns  # the second; within it, the file's

    again = sorted((run / "reruns").glob("*/config.yaml"), key=made, reverse=True)
    return next((f.parent for f in again if "fit" in read_config(f.parent)["stages"]), run)


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file, {} if there is none or it is damaged."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def is_nan(value: Any) -> bool:
    """Return whether a number is undefined."""
    return isinstance(value, float) and math.isnan(value)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file so that a reader never sees half of it."""
    write(path, as_json(content))


def as_json(content: Mapping[str, Any]) -> str:
    """Return the text of a JSON file; what is undefined is null, for NaN is no JSON."""
    known = {k: None if is_nan(v) else v for k, v in content.items()}
    return json.dumps(known, indent=2) + "\n"


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write a YAML file so that a reader never sees half of it."""
    write(path, yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
