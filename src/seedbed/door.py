"""From a command line to checked runs.  The one module that composes configs with Hydra."""

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from seedbed import config, help, lean, source
from seedbed.atomic import full
from seedbed.command import CONFIGS, Command, Refused, as_run, compose_all, reason, typed
from seedbed.config import Config
from seedbed.flags import COMPLETES
from seedbed.rules.value import history_slips
from seedbed.run import (
    crew,
    ending,
    folder,
    lock,
    ranks,
    remedy,
    slurm,
    status,
    stop,
    summary,
)
from seedbed.run.child import SWEEP, Running, be_a_job, pass_on
from seedbed.run.project import authorise
from seedbed.run.stop import Interrupted
from seedbed.sweep import lister, resume
from seedbed.sweep import run as sweep
from seedbed.sweep.launcher import chosen
from seedbed.sweep.search import plan

Job = Callable[[Config], dict[str, float]]
ASKED_TWICE = ("load_configuration", "compute_defaults_list")  # by `--info`


def enter(job: Job) -> None:
    """Run `job` as the command line says; on nonsense exit with 2 before any folder is made."""
    config.register()
    remedy.GATES[:] = [passes]
    try:
        if SWEEP in os.environ:
            be_a_job()
        sys.exit(obey(job, sys.argv[1:]))
    except Refused as problem:
        sys.stderr.write(f"{problem}\n")
        lean.keep()
        sys.exit(2)
    except Interrupted as wish:
        sys.exit(wish.code)
    except BrokenPipeError:  # `--help | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:  # before anybody listened
        sys.exit(130)


def obey(job: Job, argv: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    if file := ranks.config_file():
        authorise(typed(argv))
        return take_part(job, file.parent)
    if {"--help", "-h"} & set(argv):
        print(help.page())  # noqa: T201
        return 0
    if COMPLETES & set(argv):
        return through_hydra(argv)
    asked = slurm.restarted(argv)
    if asked is None:
        print("this job's run is finished")  # noqa: T201
        return 0
    if (begun := resume.asked(asked)) is not None:
        authorise(typed(asked))
        return sweep.go_on(begun, asked, checked, sources_trained)
    command = Command.read(asked)
    command.argv = argv
    authorise(command.said)
    if command.looks and command.problems:
        raise Refused("\n".join(command.problems))
    if command.looks:
        return through_hydra([*as_run(command), *command.flags], command.primary)
    if lister.asked(command):
        print(lister.answer(command))  # noqa: T201
        return 0
    if foreign := strangers(command):
        return judged_alone(foreign, command)
    return jobs_of(job, command)


def jobs_of(job: Job, command: Command) -> int:
    """Run the one job of a command line, or every job of a sweep, and return the exit code."""
    launcher = chosen(command.launcher)
    if command.sweep and ranks.several():
        raise Refused("-m: start a sweep by python alone; its jobs start their own processes")
    if command.sweep and (search := plan.chosen(command.search)):
        return sweep.search(
            command, plan.planned(command, search, checked), launcher, sources_trained
        )
    if command.sweep:
        sweep.refuse_idle(command)
    configs = checked(command)
    if not sources_trained(configs, sweep.trusting(command.argv)):
        return 1
    if command.sweep:
        return sweep.begin(command, configs, launcher)
    return alone(job, configs[0], command)


def sources_trained(configs: Sequence[Config], trust: Sequence[str]) -> bool:
    """Train the runs that these start from, and return whether that went well."""
    todo = source.planned(configs, checked)
    running: Running = []
    with stop.listening(lambda number: pass_on(running, number)):
        return source.train(todo, list(trust), running)


def take_part(job: Job, record: Path) -> int:
    """Run as one of the ranks that the first one speaks for."""
    crew.end_with_parent()
    reports = record / "ranks"
    try:
        with stop.listening(at_once=lambda number: leave(128 + number)):
            job(config.as_config(folder.read_config(record)))
    except Refused:
        return 2
    except Interrupted as wish:
        return wish.code
    except Exception as error:
        crew.report(reports, error)
        alone = crew.is_consequence(error)
        plain = full(error) or status.verdict(error)["status"] in (status.DIVERGED, status.PRUNED)
        if not alone and not plain:
            traceback.print_exception(error)
        if alone and ranks.is_launched() and crew.end_parent():
            out = Path(folder.read_config(record)["out"])
            status.Record(out).end({"status": status.FAILED, "error": "rank 0 did not answer"})
        return 1
    return 0


def leave(code: int) -> None:
    """End this process as it stands, with its data workers."""
    crew.kill_workers()
    os._exit(code)


def checked(command: Command) -> list[Config]:
    """Return the config of every job.

    Raises:
        Refused: with everything that is wrong with the command line and with any of them.
    """
    try:
        with lean.uncollected():
            return config.check_all(
                compose_all(command),
                built=not command.reads,
                typed={o.key_or_group for o in command.parsed},
                problems=command.problems,
            )
    except config.ConfigError as error:
        raise Refused(str(error)) from None


def passes(words: list[str]) -> bool:
    """Return whether the gate lets a command through."""
    try:
        return bool(checked(Command.read(words)))
    except Refused:
        return False


def strangers(command: Command) -> str:
    """Return the curves of somebody else's that a command is about, "" if it is about a run."""
    said = dict(command.said)
    alone = said.get("stages") in ("diagnose", ["diagnose"])
    return str(said.get("diagnose.history") or "") if alone and not command.sweep else ""


def judged_alone(history: str, command: Command) -> int:
    """Diagnose somebody else's curves, for which no part is built, and return the exit code.

    Raises:
        Refused: the command says something else besides, or the file holds no losses.
    """
    said = dict(command.said)
    problems = [*command.problems, *history_slips(history, "diagnose", said.get("run"))]
    problems += [
        f"{key}={value}: diagnose.history is looked at alone; leave it out"
        for key, value in command.said
        if key not in ("stages", "diagnose.history", "out", "run")
    ]
    if problems:
        raise Refused("\n".join(problems))
    from seedbed.run import diagnose  # numpy, only now

    out = said.get("out")
    diagnose.of_file(Path(history), Path(out) if out else None)
    return 0


@dataclass(frozen=True)
class Place:
    """Where a run writes."""

    record: Path  # what was asked for, and how it stands
    out: Path  # what is learned and measured


def place_of(cfg: Config) -> Place:
    """Return the folders of a run; a run that goes on keeps the folder of its first part.

    Raises:
        Refused: the folder holds another run.
    """
    if cfg.run:
        again = Path(cfg.run, "reruns", folder.new_id())
        return Place(again, Path(cfg.run) if "fit" in cfg.stages else again)
    out = Path(cfg.out or Path("logs", cfg.name, folder.new_id()))
    lock.refuse_taken(out)
    return Place(out, out)


def alone(job: Job, cfg: Config, command: Command) -> int:
    """Run one job in this process and return its exit code."""
    lean.keep()
    with placed(cfg) as (here, place):
        return in_place(job, here, command, place)


@contextlib.contextmanager
def placed(cfg: Config) -> Iterator[tuple[Config, Place]]:
    """Keep a run's folder from every other process; give the config that names it, and the place.

    Raises:
        Refused: the folder holds another run, or is at work.
    """
    place = place_of(cfg)
    with lock.locked(place.out, f"run={cfg.run}" if cfg.run else f"out={place.out}"):
        if not cfg.run:
            lock.refuse_taken(place.out)  # another start may have been faster
        yield replace(cfg, out=str(place.out)), place


def in_place(job: Job, cfg: Config, command: Command, place: Place) -> int:
    """Run one job in a folder that no other process writes to, and return its exit code."""
    if place.out != place.record or not cfg.run:
        slurm.remember(command.argv, place.out)
    try:
        metrics = carried_out(job, cfg, command, place)
    except Interrupted as wish:
        return ending.interrupted(wish, place.out)
    except Refused:
        raise
    except Exception as error:
        return ending.broken(error, place.out)
    if SWEEP not in os.environ:  # the sweep speaks for its jobs
        print(summary.text(place.out, cfg, metrics))  # noqa: T201
    return 0


def carried_out(
    job: Job,
    cfg: Config,
    command: Command,
    place: Place,
    at_once: Callable[[int], None] | None = None,
) -> dict[str, float]:
    """Write down what a job is, run it, and return its metrics; what ends it goes to the caller.

    Args:
        job: what to run.
        cfg: its config, with its folder.
        command: what was typed.
        place: where it writes, which is `placed`.
        at_once: called with the number of a second signal; None: the process ends.

    Raises:
        Refused: nothing can be made of it, and nothing is left behind.
    """
    folder.create(place.record, config.as_plain(cfg), command.overrides)
    ranks.announce(place.record / "config.yaml")
    try:
        return kept(job, cfg, place, at_once)
    except Refused:
        folder.remove(place.record)
        raise
    finally:
        ranks.forget()


def kept(
    job: Job, cfg: Config, place: Place, at_once: Callable[[int], None] | None
) -> dict[str, float]:
    """Run a job whose every end is written down, and leave no process of it behind."""
    records: list[status.Record] = []

    def end_now(error: BaseException, code: int) -> None:
        for record in records:
            record.end(status.verdict(error))
        mates.end(grace=0)
        leave(code)

    def second(number: int) -> None:
        wish = Interrupted(number)
        sys.stderr.write(f"ended at once by {wish}{ending.hint(place.out)}\n")
        end_now(wish, wish.code)

    def bereft(reason: str) -> None:
        sys.stderr.write(f"failed: {reason} ({place.out})\n")
        end_now(crew.Lost(reason), 1)

    mates = crew.Crew(place.record / "ranks", bereft)
    with (
        stop.listening(at_once or second),
        status.recorded(place.out) as record,
        crew.led(mates),
    ):
        records.append(record)
        return job(cfg)


def through_hydra(words: list[str], primary: str = "train") -> int:
    """Hand words to Hydra, for what it prints."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us
    start = hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=primary)
    try:
        sys.argv[1:] = words
        with lean.uncollected(), lean.remembering(ConfigLoaderImpl, *ASKED_TWICE):
            start(lambda cfg: None)()
    except (HydraException, OmegaConfBaseException) as error:
        raise Refused(reason(error)) from None
    lean.keep()
    return 0
