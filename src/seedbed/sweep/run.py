"""A sweep from its first job to its table; begun, or gone on with."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from seedbed.command import Command, Refused, jobs, typed
from seedbed.config import Config
from seedbed.run import slurm, stop
from seedbed.run.folder import new_id, remove
from seedbed.run.lock import locked
from seedbed.run.project import again
from seedbed.run.status import FAILED, OK
from seedbed.run.stop import Interrupted
from seedbed.sweep import record, resume
from seedbed.sweep.jobs import Job, Queue, Supply, Voice, new, shown, single
from seedbed.sweep.launcher import Launcher, chosen
from seedbed.sweep.search.plan import Plan, trials
from seedbed.sweep.search.trials import Trials

Check = Callable[[Command], list[Config]]
First = Callable[[Sequence[Config], Sequence[str]], bool]  # trains what the jobs start from


def refuse_idle(command: Command) -> None:
    """Look whether a sweep has anything to vary.

    Raises:
        Refused: it has not, or varies something that is no list of values.
    """
    varied = [o for o in command.parsed if o.is_sweep_override()]
    if not varied and not command.problems:
        raise Refused("-m: nothing varies; give several values, as in seed=0,1,2, or leave out -m")
    for o in varied:
        word = str(o.input_line).lstrip("+")
        if not o.is_discrete_sweep():
            raise Refused(
                f"{word}: a sweep tries values one by one; list them, as in 0.1,0.01, or search: "
                "sweep=optuna"
            )
        if not list(o.sweep_string_iterator()):
            raise Refused(f"{word}: there is no value in it")


def begin(command: Command, configs: Sequence[Config], launcher: Launcher) -> int:
    """Run every combination in a folder of its own, and return the exit code."""
    folder = record.FOLDERS / new_id()
    words = list(jobs(command))
    first = configs[0].monitor
    sweep = record.Sweep(
        command.overrides,
        command.argv,
        words,
        {"name": first.name, "mode": first.mode},
        code=record.code(),
    )
    trust = trusting(command.argv)
    pairs = enumerate(zip(words, configs, strict=True))
    todo = [fresh(n, folder, record.as_typed(said), trust, cfg) for n, (said, cfg) in pairs]
    with locked(folder, f"out={folder}"):
        record.write(folder, sweep)
        slurm.remember(command.argv, folder)
        return launched(folder, sweep, Queue(folder, todo), launcher, command.launcher)


def search(command: Command, plan: Plan, launcher: Launcher, first: First) -> int:
    """Run the trials of a search in folders of their own, and return the exit code."""
    trust = trusting(command.argv)
    if not first(plan.configs, trust):
        return 1
    folder = record.FOLDERS / new_id()
    metric, mode = next(iter(plan.goals.items()))
    sweep = record.Sweep(
        command.overrides,
        command.argv,
        [],
        {"name": metric, "mode": mode},
        plan.record(command, folder),
        record.code(),
    )
    with locked(folder, f"out={folder}"):
        try:
            trials = searched(folder, sweep, trust)
        except Refused:
            remove(folder)
            raise
        record.write(folder, sweep)
        slurm.remember(command.argv, folder)
        return launched(folder, sweep, trials, launcher, command.launcher)


def searched(folder: Path, sweep: record.Sweep, trust: list[str]) -> Trials:
    """Return the trials of a search."""
    one = bool(sweep.search.get("single", True))

    def make(number: int, words: list[str]) -> Job:
        out = folder / str(number)
        return Job(number, new(number, words, folder, trust), out, shown(words), one)

    return trials(folder, sweep, make)


def go_on(folder: Path, argv: Sequence[str], check: Check, first: First) -> int:
    """Run what is left of a sweep and return the exit code.

    Args:
        folder: of the sweep.
        argv: the command line.
        check: the gate; every job that has not begun passes it again.
        first: trains what jobs start from, and returns whether that went well.

    Raises:
        Refused: it runs, is damaged, or a job of it does not pass the gate.
    """
    said = [word for word in argv if word.startswith("hydra")]
    launcher, trust = chosen(said), trusting(argv)
    with locked(folder, f"run={folder}"):
        sweep = record.read(folder)
        if more := [word for word in argv if word.startswith("sweep.") and not sweep.search]:
            raise Refused(f"{more[0]}: {folder} tries every combination; leave it out")
        supply = more_trials(folder, sweep, argv, trust) if sweep.search else None
        left = dict(resume.left(folder, sweep, trust))
        if supply is not None:
            left = {n: words for n, words in left.items() if supply.is_open(n)}
        stands = resume.counted(resume.stands(folder, sweep))
        if not left and not supply:
            print(f"run={folder}: nothing is left to do ({stands})")  # noqa: T201
            return ended(folder, sweep, said)
        unbegun = [n for n, words in left.items() if not words[0].startswith("run=")]
        configs = {n: gated(n, sweep.jobs[n] + trust, check) for n in unbegun}
        if not first(list(configs.values()), trust):
            return 1
        if differs := resume.changed(sweep):
            sys.stderr.write(f"run={folder}: the code has changed since it began ({differs})\n")
        total = max(len(sweep.jobs), supply.settings.trials if supply else 0)
        many = len(left) + (len(supply) if supply else 0)
        print(f"run={folder}: {many} of {total} jobs left ({stands})", flush=True)  # noqa: T201
        todo = [
            fresh(n, folder, sweep.jobs[n], trust, configs[n])
            if n in configs
            else resume.begun(n, words, folder, sweep.jobs[n])
            for n, words in left.items()
        ]
        if supply is None:
            return launched(folder, sweep, Queue(folder, todo), launcher, said)
        supply.again.extend(todo)
        return launched(folder, sweep, supply, launcher, said)


def more_trials(folder: Path, sweep: record.Sweep, argv: Sequence[str], trust: list[str]) -> Trials:
    """Return the trials of a search that goes on, with as many more as are asked for now.

    Raises:
        Refused: there are more already.
    """
    known = sweep.search.get("settings", {})
    for key, value in typed([word for word in argv if word.startswith("sweep.")]):
        if not isinstance(value, int) or value < max(1, len(sweep.jobs)):
            raise Refused(f"{key}={value}: at least the {len(sweep.jobs)} made are expected")
        known["trials"] = value
    found = searched(folder, sweep, trust)
    record.write(folder, sweep)
    return found


def fresh(n: int, folder: Path, words: Sequence[str], trust: list[str], cfg: Config) -> Job:
    """Return a job that has not begun."""
    return Job(n, new(n, words, folder, trust), folder / str(n), shown(words), single(cfg.trainer))


def gated(number: int, words: list[str], check: Check) -> Config:
    """Return the config of a recorded job.

    Raises:
        Refused: with everything that is wrong with it.
    """
    try:
        [config] = check(Command.read(words))
    except Refused as problem:
        lines = str(problem).splitlines()
        raise Refused("\n".join(f"job {number}: {line}" for line in lines)) from None
    return config


def launched(
    folder: Path, sweep: record.Sweep, jobs: Supply, launcher: Launcher, said: Sequence[str]
) -> int:
    """Launch jobs, say how all of the sweep stand, and return the exit code."""
    voice = Voice(launcher.logged)

    def second(number: int) -> None:
        launcher.end(number)
        os._exit(128 + number)

    def over(job: Job, code: int) -> None:
        voice.ended(job, code)
        jobs.ended(job)

    try:
        with stop.listening(second):
            launcher.launch(jobs, voice.begun, over)
    except Interrupted as wish:
        stands = resume.counted(resume.stands(folder, sweep))
        note = slurm.requeue(wish.number)
        sys.stderr.write(f"{note}interrupted by {wish} ({stands}); go on with:\n")
        sys.stderr.write(f"{continuing(folder, said)}\n")
        raise
    if jobs.over:
        sys.stderr.write(f"{jobs.over}\n")
    return ended(folder, sweep, said)


def ended(folder: Path, sweep: record.Sweep, said: Sequence[str]) -> int:
    """Print the table of a sweep whose jobs have all ended, and return the exit code."""
    if resume.outs(folder, sweep):
        from seedbed.sweep import results  # charts and tests, when they are asked for

        print(results.conclude(folder))  # noqa: T201
    stands = resume.stands(folder, sweep)
    missing = sum(n for name, n in stands.items() if name not in resume.answered(sweep))
    if missing:
        sys.stderr.write(f"{missing} of {len(sweep.jobs)} jobs have not ended well; go on with:\n")
        sys.stderr.write(f"{continuing(folder, said)}\n")
    if sweep.search:  # what was pruned or has diverged is part of it
        return int(not stands[OK] or bool(stands[FAILED]) or bool(missing))
    return int(stands[OK] < len(sweep.jobs))


def continuing(folder: Path, said: Sequence[str]) -> str:
    """Return the command that goes on with a sweep as it is launched now."""
    return f"python train.py {shlex.join([f'run={folder}', *said])}{again()}"


def trusting(argv: Sequence[str]) -> list[str]:
    """Return the words of a command line that say who is trusted."""
    return [word for word in argv if word.lstrip("+").startswith("trust=")]
