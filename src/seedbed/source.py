"""What must be trained first: the run that others start from, made once and used again.

A config names it: `source.run` is its folder and `source.by` the command that trains it.  It is
trained when a run takes its first weights or its teacher from that folder, and no finished run lies
there yet.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from seedbed import config
from seedbed.command import FREE, STATEFUL, Command, Refused, differences
from seedbed.config import Config
from seedbed.rules.value import leaves
from seedbed.run import ranks, status
from seedbed.run.child import SWEEP, Running, child
from seedbed.run.folder import read_config
from seedbed.run.lock import refuse_taken

Check = Callable[[Command], list[Config]]


def needed(cfg: Config) -> bool:
    """Return whether a run loads what its source has learned, and that can be trained."""
    stages = set(cfg.stages)
    starts = cfg.init if {"fit", "preflight"} & stages and not cfg.run else {}
    learns = cfg.compress if "compress" in stages else {}
    named = [value for group in (starts, learns) for _, value in leaves(group)]
    return bool(cfg.source.by) and cfg.source.run in named


def planned(configs: Iterable[Config], check: Check) -> dict[Path, list[str]]:
    """Return the commands that must be run first, by the folders that they make.

    Raises:
        Refused: a source cannot be trained so, or was trained otherwise.
    """
    wanted: dict[Path, list[str]] = {}
    for cfg in configs:
        if SWEEP in os.environ or not needed(cfg):
            continue  # the sweep has looked after it
        folder, by = Path(str(cfg.source.run)), list(cfg.source.by)
        if wanted.setdefault(folder, by) != by:
            raise Refused(f"source.run={folder}: two jobs would train it in two ways")
    todo = {folder: left(folder, by, check) for folder, by in wanted.items()}
    return {folder: words for folder, words in todo.items() if words}


def left(folder: Path, by: list[str], check: Check) -> list[str]:
    """Return the command that is left to run for a source, nothing if it is trained.

    Raises:
        Refused: it is no single run, was trained otherwise, or is being trained.
    """
    command = Command.read(by)
    try:
        [cfg, *more] = check(command)
    except Refused as problem:
        raise Refused(
            "\n".join(f"source.by: {line}" for line in str(problem).splitlines())
        ) from None
    if more or command.sweep or cfg.run or cfg.out or "fit" not in cfg.stages:
        raise Refused(f"source.by={by}: a single training is expected, without run= and out=")
    if not (folder / "config.yaml").is_file():
        refuse_taken(folder)
        words = [*by, f"out='{folder}'"]
    else:
        refuse_another(folder, cfg)
        stands = status.standing(folder)
        if stands == status.OK:
            return []
        if stands == "running":
            raise Refused(f"source.run={folder}: another process trains it now; wait for it")
        words = [f"run='{folder}'"]
    if ranks.is_launched():
        raise Refused(f"source.run={folder}: train it first: python train.py {' '.join(words)}")
    return words


def refuse_another(folder: Path, cfg: Config) -> None:
    """Hold a source that is there against the command that makes it.

    Raises:
        Refused: it was trained otherwise.
    """
    saved, now = read_config(folder), config.as_plain(cfg)
    for group in STATEFUL:
        for key, new, then in differences(group, saved.get(group), now[group]):
            if key not in FREE or key == "trainer.max_epochs":
                raise Refused(
                    f"source.run={folder}: source.by says {key}{new}, it was trained with {then}; "
                    "name another folder, or remove this one to train it anew"
                )


def train(todo: dict[Path, list[str]], trust: list[str], running: Running) -> bool:
    """Train what is needed, one after the other, and return whether all of it ended well."""
    for folder, words in todo.items():
        print(f"source: {' '.join(words)}", flush=True)  # noqa: T201
        code = child([*words, *trust], running)
        if code:
            print(f"failed: source.run={folder} (exit code {code})", flush=True)  # noqa: T201
            return False
    return True
