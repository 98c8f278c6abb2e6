"""What only the first process does and all must know: a failure is raised on each of them.

A process that went on alone would wait for the others for ever.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from lightning import Trainer

from seedbed.atomic import Unwritable, naming, replaced, to_disk


def save(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint; every process calls this.

    Raises:
        Unwritable: the disk does not take it; the file of before is intact.
    """
    failure: Unwritable | None = None
    try:
        trainer.save_checkpoint(path)
    except Unwritable as error:
        failure = error
        trainer.strategy.barrier("Trainer.save_checkpoint")  # where the others wait by now
    agree(trainer, failure)


def first_alone(trainer: Trainer, work: Callable[[], None]) -> None:
    """Let the first process do something with files; every process calls this.

    Raises:
        Unwritable: it could not.
    """
    failure: OSError | None = None
    if trainer.is_global_zero:
        try:
            work()
        except OSError as error:
            failure = error
    agree(trainer, failure)


def agree(trainer: Trainer, failure: OSError | None) -> None:
    """Raise on every process what failed on the first.

    Raises:
        Unwritable: something did.
    """
    known = trainer.strategy.broadcast(None if failure is None else (failure.errno, str(failure)))
    if known is not None:
        raise Unwritable(*known) from failure


def also(file: Path, name: Path) -> None:
    """Give a file a second name, at once: a link where the file system has them, else a copy.

    Raises:
        Unwritable: the disk does not take it.
    """
    part = name.with_name(f"{name.name}.{os.getpid()}.part")
    with naming(name):
        part.unlink(missing_ok=True)
        try:
            part.hardlink_to(file)
        except OSError:
            with replaced(name) as copy, file.open("rb") as given:
                shutil.copyfileobj(given, copy, 1 << 20)
            return
        part.replace(name)
        part.unlink(missing_ok=True)  # what is the same file already is not moved
        to_disk(name.parent)
