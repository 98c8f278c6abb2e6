"""From a remedy to the command that tries it, judged by the gate as if it were typed."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.run.folder import newest

if TYPE_CHECKING:
    from seedbed.doctor import Words

GATES: list[Callable[[list[str]], bool]] = []  # one, put here by the door


def command(run: Path, remedy: "Words") -> str:
    """Return the command that trains a run anew with a remedy, "" if the gate refuses it.

    Args:
        run: its folder, which knows how it was started.
        remedy: overrides.
    """
    from seedbed.doctor import merged

    words = merged(typed(run), remedy)
    if not any(gate(words) for gate in GATES):
        return ""
    return f"python train.py {shlex.join(words)}"


def typed(run: Path) -> list[str]:
    """Return the words that a run was started with, and those that it went on with."""
    from seedbed.doctor import merged  # numpy, which nothing needs at the door

    files = dict.fromkeys((run / "overrides.txt", newest(run) / "overrides.txt"))
    lines = [file.read_text().splitlines() for file in files if file.is_file()]
    first, *later = [[word for word in each if word] for each in lines] or [[]]
    return merged(first, tuple(word for words in later for word in words))
