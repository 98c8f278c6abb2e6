"""A run folder: what is written down about a run, beside what it learned.  No torch here."""

import contextlib
import json
import math
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from seedbed.atomic import ADDRESS, overwrite, write
from seedbed.run.environment import diffs, environment
from seedbed.run.stop import Interrupted
from seedbed.secret import redacted

OK, FAILED, INTERRUPTED, DIVERGED = "ok", "failed", "interrupted", "diverged"
BEAT = 10.0  # seconds between two signs of life in status.json
BEFORE_CONFIG = ("overrides.txt", "environment.json", "git.diff", "seedbed.diff")  # by `create`
LOST = "lost"  # what a reader calls a run that says running and shows no sign of life


class Refused(Exception):
    """A command that no run can be made of: a line a problem, exit code 2, nothing left behind."""


class Differs(Exception):
    """A run that was trained again and has other numbers: what differs, a line each."""


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


class Record:
    """How a run stands, kept in its `status.json`; while it runs, with a sign of life.

    Args:
        out: the folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.start = time.time()
        self.before = read_json(out / "status.json")
        self.status: dict[str, Any] = {
            "status": "running",
            "after": self.before.get("status", "nothing"),  # how its earlier part ended
            "started": now(),
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }
        self.over = threading.Event()
        self.writing = threading.Lock()
        self.beat()
        self.thread = threading.Thread(target=self._live, daemon=True, name="heartbeat")
        self.thread.start()

    def beat(self) -> None:
        """Write that the run lives; nothing once it has ended."""
        with self.writing:
            if not self.over.is_set():
                tell(self.out, self.status | {"heartbeat": now()})

    def _live(self) -> None:
        while not self.over.wait(BEAT):
            with contextlib.suppress(OSError):  # a full disk; training will notice
                self.beat()

    def end(self, said: Mapping[str, str]) -> None:
        """Write how it ended; the first to say so is right."""
        with self.writing:
            if not self.over.is_set():
                self.over.set()
                took = {"ended": now(), "seconds": round(time.time() - self.start, 1)}
                tell(self.out, self.status | dict(said) | took)

    def take_back(self) -> None:
        """Leave the status as it was before: the command was refused."""
        with self.writing:
            self.over.set()
            if self.before:
                tell(self.out, self.before)


@contextlib.contextmanager
def recorded(out: Path) -> Iterator[Record]:
    """Keep in `status.json` how the run stands: running, ok, failed, interrupted or diverged."""
    record = Record(out)
    try:
        yield record
        record.end({"status": OK})
    except Refused as error:
        if record.before:
            record.take_back()
        else:
            record.end(verdict(error))
        raise
    except BaseException as error:
        record.end(verdict(error))
        raise


def now() -> str:
    """Return the time with its zone, in seconds."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def tell(out: Path, status: Mapping[str, Any]) -> None:
    """Write how a run stands, over the old words where a full disk takes no new file."""
    file = out / "status.json"
    try:
        write_json(file, status)
    except OSError:
        if not file.is_file():
            raise
        overwrite(file, as_json(status))


def verdict(error: BaseException) -> dict[str, str]:
    """Return the status and the reason that an exception stands for."""
    if isinstance(error, Interrupted):
        return {"status": INTERRUPTED, "error": f"interrupted by {error}"}
    kind = DIVERGED if type(error).__name__ == "Diverged" else FAILED
    said = str(error).strip() or "without a word"
    return {"status": kind, "error": redacted(f"{type(error).__name__}: {said}".splitlines()[0])}


def standing(out: Path) -> str:
    """Return how a run stands; `lost` if it says running and has shown no sign of life.

    That is what remains of a process that was killed, or whose machine went down.
    """
    status = read_json(out / "status.json")
    if status.get("status") != "running":
        return str(status.get("status", "refused"))
    return "running" if alive(status) else LOST


def alive(status: Mapping[str, Any]) -> bool:
    """Return whether the process that writes this status is there, as far as one can tell."""
    if status.get("host") == socket.gethostname() and status.get("pid") != os.getpid():
        try:
            os.kill(int(status["pid"]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # somebody else's, so it is there
    beat = datetime.fromisoformat(status.get("heartbeat") or status["started"]).astimezone()
    return time.time() - beat.timestamp() < 6 * BEAT


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
        raise Refused(f"run={run}: no run folder, there is no {file}")
    try:
        saved = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise Refused(f"run={run}: {file} is damaged") from error
    if not isinstance(saved, dict) or "model" not in saved:
        raise Refused(f"run={run}: {file} is damaged")
    return saved


def begun(run: Path) -> bool:
    """Return whether a run has saved a state to go on from; else it starts as it was asked to."""
    finished = OK in (standing(run), read_json(run / "status.json").get("after"))
    return finished or any((run / "checkpoints").glob("*.ckpt"))


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
