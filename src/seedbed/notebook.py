"""The command line as functions, for a notebook or another program: the same words, the same runs.

What stands here is offered as `seedbed.compose`, `seedbed.fit` and `seedbed.Result`.
"""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import config, door, lean, source, trust
from seedbed.command import Command, Refused, differences
from seedbed.config import Config, as_plain
from seedbed.run import ranks, remedy, status, stop, summary
from seedbed.run.folder import read_json
from seedbed.run.project import authorise
from seedbed.run.work import work
from seedbed.sweep import lister, resume

if TYPE_CHECKING:
    import pandas as pd

    from seedbed.run.load import Loaded

ONE = threading.Lock()  # seeds, threads and folders belong to a process: one run at a time


class Composed(Config):
    """The config of a run, checked, and the words that it was made of."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """A run that has ended: its folder, and what lies in it.

    Args:
        folder: the run folder; of a run that is only tested again, its folder in `reruns/`.
        metrics: the final numbers, `{"test/acc": 0.975, ...}`, in [0, 1] where they are shares.
    """

    folder: Path
    metrics: dict[str, float]

    @property
    def status(self) -> str:
        """How it ended, by its `status.json`: `ok`."""
        return status.standing(self.folder)

    @cached_property
    def history(self) -> "pd.DataFrame":
        """Every logged scalar of `history.csv`: a row a step, empty (NaN) where none was logged.

        Raises:
            FileNotFoundError: nothing was logged.
        """
        import pandas as pd  # slow to import, and nothing else needs it

        return pd.read_csv(self.folder / "history.csv")

    @property
    def diagnosis(self) -> dict[str, Any]:
        """What the doctor found, by `diagnosis.json`; {} under `doctor=none`."""
        return read_json(self.folder / "diagnosis.json")

    def load(self) -> "Loaded":
        """Return `(model, spec)`: the best model, with its scaling, and what its data knew.

        Raises:
            FileNotFoundError: no checkpoint was kept.
        """
        from seedbed.run.load import load  # torch

        again = self.folder.parent.name == "reruns"
        return load(self.folder.parents[1] if again else self.folder, trust.trusted())


def compose(*words: str) -> Composed:
    """Return the checked config that the command line makes of these words.

    Example: `seedbed.compose("optimizer=adam", "optimizer.lr=0.01").optimizer["lr"]` is 0.01.

    Args:
        words: overrides as after `python train.py`, without a shell's quotes.  A package that they
            name, by `trust=` or as a target, is trusted from now on in this process.

    Returns:
        The config.  It is a record: what is to be another is said in words.

    Raises:
        Refused: with everything that is wrong, a line a problem, as the command line says it.
    """
    return composed(words)[1]


def fit(*words: str | Config) -> Result:
    """Train in this process, as `python train.py` with these words does, into the same run folder.

    Example: `seedbed.fit("optimizer=sgd", "trainer.max_epochs=5").metrics["test/acc"]`.

    Random numbers, threads and signal handlers are afterwards what they were.  Interrupted, in a
    notebook by the stop button, it saves its state and says how to go on.

    Args:
        words: overrides as after `python train.py`, or the one config that `compose` returned.

    Returns:
        What the run measured, and where it lies.

    Raises:
        Refused: with everything that is wrong, a line a problem; no folder is left behind.
        KeyboardInterrupt: it was interrupted; `fit("run=<folder>")` goes on with it.
        Diverged: gradient or weights are no longer finite.
    """
    if not ONE.acquire(blocking=False):
        raise Refused("seedbed.fit: this process is training already; wait for it")
    try:
        command, cfg = composed(spoken(words))
        refuse_processes(cfg)
        place, metrics = run(command, cfg)
    except stop.Interrupted as wish:
        signal.raise_signal(wish.number)  # for whoever listened before
        raise KeyboardInterrupt from None
    finally:
        ONE.release()
    return Result(place.out, metrics)


def composed(words: Sequence[str]) -> tuple[Command, Composed]:
    """Return what words say, and the config that they make; trust what they name."""
    config.register()
    if resume.asked(words) is not None:
        raise Refused(f"{' '.join(words)}: a sweep is many runs; go on with it by python train.py")
    command, before = Command.read(list(words)), trust.trusted()
    if reasons := list(beyond(command, words)):
        raise Refused("\n".join(reasons))
    authorise(command.said, before)
    try:
        [cfg] = door.checked(command)
    except BaseException:
        trust.trust(before)
        raise
    made = Composed(**vars(cfg))
    made.words = tuple(words)
    return command, made


def beyond(command: Command, words: Sequence[str]) -> Iterator[str]:
    """Yield what only the command line can do."""
    said = " ".join(words)
    if command.sweep:
        yield f"{said}: a sweep is many runs; start it by python train.py -m"
    elif command.flags:
        yield f"{' '.join(command.flags)}: only the command line has flags; leave it out"
    elif lister.asked(command) or door.strangers(command):
        yield f"{said}: it is about no run of its own; ask it by python train.py"


def spoken(words: Sequence[str | Config]) -> tuple[str, ...]:
    """Return words as they are, or those that a config was made of.

    Raises:
        Refused: the config was changed since, or stands beside words.
    """
    if not any(isinstance(word, Config) for word in words):
        return tuple(map(str, words))
    [cfg, *more] = words
    if more or not isinstance(cfg, Config):
        raise Refused("seedbed.fit: words, or one config of seedbed.compose; not both")
    known = cfg.words if isinstance(cfg, Composed) else ()
    then, now = as_plain(compose(*known)), as_plain(cfg)
    changed = [each for key in then for each in differences(key, then[key], now[key])]
    if changed:
        raise Refused(
            "\n".join(
                f"{key}{new}: the config says so since it was composed; say it in words"
                for key, new, _ in changed
            )
        )
    return known


def refuse_processes(cfg: Config) -> None:
    """Hold a run to what one process that does other things, too, can do.

    Raises:
        Refused: it needs several, or another run first.
    """
    devices = cfg.trainer.get("devices")
    one = devices in (1, "1") or (isinstance(devices, list) and len(devices) == 1)
    if not one or cfg.trainer.get("num_nodes", 1) != 1 or ranks.several():
        raise Refused(
            f"trainer.devices={devices}: several processes are started by python train.py; "
            "here, say trainer.devices=1"
        )
    for words in source.planned([cfg], door.checked).values():
        said = ", ".join(map(repr, words))
        raise Refused(f"source.run={cfg.source.run}: train it first: seedbed.fit({said})")


def run(command: Command, cfg: Composed) -> tuple[door.Place, dict[str, float]]:
    """Train, and say at the end what the command line says."""
    remedy.GATES[:] = [door.passes]
    lean.lightning()
    from seedbed.run.untouched import untouched  # torch

    with untouched(), door.placed(cfg) as (here, place):
        try:
            metrics = door.carried_out(work, here, command, place, at_once=patience)
        except stop.Interrupted as wish:
            goes_on = "" if place.out == place.record and here.run else f"run={place.out}"
            again = f"; go on with:\nseedbed.fit({goes_on!r})" if goes_on else ""
            sys.stderr.write(f"interrupted by {wish}{again}\n")
            raise
    print(summary.text(place.out, here, metrics))  # noqa: T201
    return place, metrics


def patience(number: int) -> None:
    """Say why a second signal does nothing: to end the process would end all that it holds."""
    sys.stderr.write("it ends with the update at hand; to end it at once, restart the kernel\n")
