"""Going on with a sweep: which of its jobs are left, and by what command lines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seedbed.command import typed
from seedbed.run.folder import Refused, read_config, read_json
from seedbed.run.status import DIVERGED, FAILED, OK, PRUNED, standing
from seedbed.sweep.jobs import Job, new, shown, single
from seedbed.sweep.record import Sweep, code, is_sweep

ANSWERED = (OK, DIVERGED, PRUNED)  # the same command would end the same way again
ALLOWED = (
    "run",
    "trust",
    "sweep.trials",
)  # what may be said beside the sweep's folder, and its launcher


def asked(argv: Sequence[str]) -> Path | None:
    """Return the folder of the sweep that a command line wants to go on with, None if of none.

    Raises:
        Refused: it says more than a sweep can be told.
    """
    said = typed([word for word in argv if not word.startswith("hydra")])
    folders = [Path(str(value)) for key, value in said if key == "run"]
    if not folders or not is_sweep(folders[-1]):
        return None
    others = [word for word in argv if word.lstrip("+~").partition("=")[0] not in ALLOWED]
    others = [word for word in others if not word.startswith(("hydra/", "hydra."))]
    if others:
        raise Refused(
            f"run={folders[-1]}: a sweep goes on with what it was begun with; "
            f"leave out {' '.join(others)}, or start another"
        )
    return folders[-1]


def left(folder: Path, sweep: Sweep, trust: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield number and command line of every job that has not given its answer.

    Raises:
        Refused: one of them runs.
    """
    for number, words in enumerate(sweep.jobs):
        out = folder / str(number)
        if not (out / "config.yaml").is_file():
            yield number, new(number, words, folder, trust)
            continue
        stands = standing(out)
        if stands == "running":
            status = read_json(out / "status.json")
            raise Refused(
                f"run={folder}: job {number} still runs (pid {status.get('pid')} on "
                f"{status.get('host')}); wait until it has ended"
            )
        if stands not in ANSWERED:
            yield number, [f"run='{out}'", *trust]


def answered(sweep: Sweep) -> tuple[str, ...]:
    """Return how jobs stand of which nothing more is to be expected."""
    return (*ANSWERED, FAILED, "not begun") if sweep.search else ANSWERED


def begun(number: int, words: list[str], folder: Path, said: Sequence[str]) -> Job:
    """Return a job that goes on in its folder."""
    out = folder / str(number)
    return Job(number, words, out, f"{shown(said)} (goes on)", single(trainer_of(out)))


def trainer_of(out: Path) -> dict[str, Any]:
    """Return what a run says of its trainer."""
    found = read_config(out).get("trainer")
    return found if isinstance(found, dict) else {}


def outs(folder: Path, sweep: Sweep) -> list[Path]:
    """Return the folders of the jobs that have begun."""
    every = (folder / str(number) for number in range(len(sweep.jobs)))
    return [out for out in every if (out / "config.yaml").is_file()]


def stands(folder: Path, sweep: Sweep) -> Counter[str]:
    """Return how many jobs stand how; `not begun` of those without a folder."""
    found = Counter(standing(out) for out in outs(folder, sweep))
    found["not begun"] = len(sweep.jobs) - found.total()
    return +found


def counted(found: Counter[str]) -> str:
    """Return `3 ok, 1 diverged` of what was counted."""
    return ", ".join(f"{n} {name}" for name, n in found.most_common())


def changed(sweep: Sweep) -> str:
    """Return in one line what of the code is not as the sweep began with, "" if it is."""
    now = code()
    commits = [
        f"{name} {then[:9]} then, {now[name][:9]} now"
        for name, then in sweep.code.items()
        if name != "changes" and name in now and now[name] != then
    ]
    if sweep.code.get("changes", now["changes"]) != now["changes"]:
        commits.append("other changes that are not committed")
    return "; ".join(commits)
