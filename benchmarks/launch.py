"""Runs of `python train.py ...`, each in a process of its own that need not import torch again."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "train.py"


def obeyed(folder: str, words: Sequence[str], log: str) -> None:
    """Do what the command line does; only ever called in a process of its own."""
    os.chdir(folder)
    with open(log, "a") as file:  # noqa: PTH123 -- what is printed by C too
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [str(SCRIPT), *words]
    from seedbed import door
    from seedbed.run import pipeline

    door.enter(pipeline.run)


class Launcher:
    """Starts commands, a few at a time.

    Args:
        folder: the working directory of all of them; `out=` is relative to it.
        jobs: how many run at once.
    """

    def __init__(self, folder: Path, jobs: int) -> None:
        for place in (str(HERE), str(SCRIPT.parent / "src")):
            sys.path.insert(0, place)
        paths = [str(HERE), str(SCRIPT.parent / "src"), os.environ.get("PYTHONPATH", "")]
        os.environ |= {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        self.folder, self.jobs = folder, jobs
        self.context = cast(Any, get_context("forkserver"))
        self.context.set_forkserver_preload(["warm"])

    def one(self, out: str, words: Sequence[str]) -> int:
        """Run a command that writes to `out` and return its exit code."""
        log = self.folder / f"{out}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        arguments = (str(self.folder), (*words, f"out={out}"), str(log))
        child = self.context.Process(target=obeyed, args=arguments)
        child.start()
        child.join()
        return int(child.exitcode)

    def all(self, commands: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, int]]:
        """Run commands `(out, words)` and yield each with its exit code."""
        with ThreadPoolExecutor(self.jobs) as pool:
            yield from pool.map(lambda each: (each[0], self.one(*each)), list(commands))
