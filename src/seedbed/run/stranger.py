"""What a run folder may say: it can come from anybody, and reading it must harm nobody.

Targets are judged where they are resolved (`seedbed.trust`).  Here are the other ways out: keys
that seedbed never writes, interpolations that do more than read the environment, places to write
to, addresses, and links that lead out of the folder.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from seedbed.config import Config
from seedbed.rules.value import leaves
from seedbed.run.folder import Refused

WRITERS = ("name", "task", "callback", "checkpoint", "logger", "trainer")  # the others read at most
WRITES = {"folder", "save_dir", "root_dir", "default_root_dir", "log_dir", "dirpath"}
KEY = r"[A-Za-z_][\w-]*"
LOOK_UP = re.compile(rf"\$\{{oc\.env:{KEY}(,[^${{}}]*)?\}}")
REFERENCE = re.compile(rf"\$\{{\.*{KEY}([.\[]\w+\]?)*\}}")
DECODE = re.compile(r"\$\{oc\.decode:[^${}]*\}")


def refuse(run: Path, saved: Mapping[str, Any], typed: Collection[str] = ()) -> None:
    """Refuse a saved config that does more than describe a training.

    Args:
        run: the folder, for the message.
        saved: what its config.yaml says.
        typed: keys that this command line gives values of its own.

    Raises:
        Refused: with every key that does.
    """
    problems = [f"{key}: not a key of a run" for key in saved if key not in known_keys()]
    for path, value in leaves(saved):
        if not any(path == key or path.startswith((f"{key}.", f"{key}[")) for key in typed):
            problems += slips(path, value)
    problems += [f"{link}: a link that leads out of the folder" for link in links(run)]
    if problems:
        raise Refused("\n".join(f"run={run}: {problem}" for problem in problems))


def known_keys() -> set[str]:
    """Return what stands at the top of a config.yaml."""
    return {field.name for field in fields(Config)}


def slips(path: str, value: Any) -> Iterator[str]:
    """Yield what a value at `path` may not be in a file that anybody can have written."""
    if not isinstance(value, str):
        return
    top, last = path.partition(".")[0], path.rpartition(".")[2]
    if not only_reads(value):
        yield f"{path}={value}: only ${{oc.env:NAME}} may be looked up"
    elif "://" in value:
        yield f"{path}={value}: an address; if you know it, say it on the command line"
    elif top in WRITERS and (last in WRITES or leads_out(value)):
        yield f"{path}={value}: a place to write to; if you know it, say it on the command line"


def only_reads(text: str) -> bool:
    """Return whether the interpolations in a text at most read the environment and the config."""
    text, before = re.sub(r"\\\\|\\\$", "", text), None
    while text != before:
        before = text
        for allowed in (LOOK_UP, REFERENCE, DECODE):
            text = allowed.sub("x", text)
    return "${" not in text


def leads_out(text: str) -> bool:
    """Return whether a text, as a path, leaves the folder it is taken to be in."""
    path = Path(text)
    return path.is_absolute() or ".." in path.parts or text.startswith("~")


def links(run: Path) -> Iterator[Path]:
    """Yield the links in a run folder that lead out of it."""
    home = run.resolve()
    for path in sorted(run.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            yield path
