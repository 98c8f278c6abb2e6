"""From a command line to checked runs.  The one module that composes configs with Hydra."""

import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seedbed import config, help
from seedbed.atomic import full
from seedbed.command import CONFIGS, Command, Refused, compose_all, reason
from seedbed.config import Config
from seedbed.run import folder, lock, ranks, summary

Job = Callable[[Config], dict[str, float]]
SWEEP = "SEEDBED_SWEEP"  # environment: this process is a job of a sweep


def enter(job: Job) -> None:
    """Run `job` as the command line says; on nonsense exit with 2 before any folder is made."""
    config.register()
    OmegaConf.register_new_resolver("id", folder.new_id, use_cache=True, replace=True)
    try:
        sys.exit(obey(job, sys.argv[1:]))
    except Refused as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def obey(job: Job, argv: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    if file := ranks.config_file():
        return take_part(job, file.parent)
    if {"--help", "-h"} & set(argv):
        print(help.page())  # noqa: T201
        return 0
    command = Command.read(argv)
    if command.looks and command.problems:
        raise Refused("\n".join(command.problems))
    if command.looks:
        return through_hydra(command, lambda cfg: None)
    configs = checked(command)
    if command.sweep:
        return sweep(command)
    return alone(job, configs[0], command)


def take_part(job: Job, record: Path) -> int:
    """Run as one of the ranks that the first one speaks for."""
    try:
        job(config.as_config(folder.read_config(record)))
    except Refused:
        return 2
    except Exception as error:
        if folder.verdict(error)["status"] != folder.DIVERGED and not full(error):
            traceback.print_exception(error)
        return 1
    return 0


def checked(command: Command) -> list[Config]:
    """Return the config of every job.

    Raises:
        Refused: with everything that is wrong with the command line and with any of them.
    """
    problems, configs = list(command.problems), []
    for cfg in compose_all(command):
        try:
            configs.append(config.check(cfg))
        except config.ConfigError as error:
            problems += str(error).splitlines()
    if problems:
        raise Refused("\n".join(dict.fromkeys(problems)))
    return configs


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
    place = place_of(cfg)
    with lock.locked(place.out, f"run={cfg.run}" if cfg.run else f"out={place.out}"):
        if not cfg.run:
            lock.refuse_taken(place.out)  # another start may have been faster
        return in_place(job, replace(cfg, out=str(place.out)), command, place)


def in_place(job: Job, cfg: Config, command: Command, place: Place) -> int:
    """Run one job in a folder that no other process writes to, and return its exit code."""
    folder.create(place.record, config.as_plain(cfg), command.overrides)
    ranks.announce(place.record / "config.yaml")
    try:
        with folder.recorded(place.out):
            metrics = job(cfg)
    except Refused:
        folder.remove(place.record)
        raise
    except KeyboardInterrupt:
        go_on = (place.out / "checkpoints/last.ckpt").is_file()
        what = f"go on with: python train.py run={place.out}" if go_on else str(place.out)
        sys.stderr.write(f"interrupted; {what}\n")
        return 130
    except Exception as error:
        return broken(error, place.out)
    finally:
        ranks.forget()
    if SWEEP not in os.environ:  # the sweep speaks for its jobs
        print(summary.text(place.out, cfg, metrics))  # noqa: T201
    return 0


def broken(error: Exception, out: Path) -> int:
    """Say how a run ended that was not meant to, and return the exit code."""
    if folder.verdict(error)["status"] == folder.DIVERGED:
        sys.stderr.write(f"diverged: {error}; a smaller optimizer.lr may help ({out})\n")
    elif isinstance(error, folder.Differs):
        sys.stderr.write(f"{error}\n{out}\n")
    elif line := full(error):
        go_on = any((out / "checkpoints").glob("*.ckpt"))
        what = f"; once there is room: python train.py run={out}" if go_on else f" ({out})"
        sys.stderr.write(f"failed: {line}{what}\n")
    else:
        traceback.print_exception(error)
        sys.stderr.write(f"failed: {out}\n")
    return 1


def sweep(command: Command) -> int:
    """Run every combination, each in its own process and folder; one failure loses no other."""
    outs: list[Path] = []

    def one_of_many(cfg: DictConfig) -> None:
        known = HydraConfig.get()
        out = Path(known.runtime.output_dir)
        outs.append(out)
        words = " ".join(word.lstrip("+") for word in known.overrides.task)
        print(f"job {len(outs) - 1}: {words}", flush=True)  # noqa: T201
        code = child([*known.overrides.task, f"out='{os.path.relpath(out)}'"])
        if code:
            sys.stderr.write(f"failed: {out} (exit code {code})\n")

    try:
        code = through_hydra(command, one_of_many)
    finally:
        print(summary.table(outs))  # noqa: T201
    return code or int(any(summary.status(out) != folder.OK for out in outs))


def child(overrides: list[str]) -> int:
    """Run one job of a sweep as the single run that it is and return its exit code."""
    command = [sys.executable, sys.argv[0], *overrides]
    with subprocess.Popen(command, env=os.environ | {SWEEP: "1"}) as process:  # noqa: S603
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait(60)  # it got the signal too: let it close its files
            raise


def through_hydra(command: Command, task: Callable[[DictConfig], None]) -> int:
    """Hand the command line to Hydra, for what it prints or sweeps."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us
    known = ["hydra.sweeper.params=null"] if command.sweep else []  # they are among the overrides
    sys.argv[1:] = [*command.flags, *command.overrides, *known]
    try:
        hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=command.primary)(
            task
        )()
    except (HydraException, OmegaConfBaseException) as error:
        raise Refused(reason(error)) from None
    return 0
