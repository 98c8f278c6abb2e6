"""What a command line wants searched: settings, space, and what the trials are judged by."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seedbed.command import Command, parse, settable
from seedbed.config import Config
from seedbed.rules.value import direction
from seedbed.run.folder import Refused
from seedbed.sweep import record
from seedbed.sweep.jobs import single
from seedbed.sweep.search import study
from seedbed.sweep.search.optuna import NEEDS, Optuna
from seedbed.sweep.search.space import Axis, Interval, corners, space
from seedbed.sweep.search.trials import Make, Trials
from seedbed.sweep.words import refuse_misfits, told

KEY = "sweep"
NAMES = ("grid", "optuna")
Check = Callable[[Command], list[Config]]


@dataclass(frozen=True)
class Plan:
    """A search that the gate has let through.

    Args:
        settings: of the search.
        axes: what varies.
        fixed: overrides that all trials share.
        configs: of the corners of its space.
        goals: `min` or `max` by the name of each metric.
    """

    settings: Optuna
    axes: Sequence[Axis]
    fixed: Sequence[str]
    configs: Sequence[Config]
    goals: dict[str, str]

    def record(self, command: Command, folder: Path) -> dict[str, Any]:
        """Return what a sweep's record says of it."""
        return {
            "words": list(command.search),
            "settings": asdict(self.settings),
            "goals": self.goals,
            "journal": str(self.settings.journal(folder)),
            "single": all(single(cfg.trainer) for cfg in self.configs),
            "trials": [],
        }


def chosen(said: Sequence[str]) -> Optuna | None:
    """Return the settings of the search that a command line asks for, None for every combination.

    Raises:
        Refused: there is none of that name, its library is missing, or a setting is wrong.
    """
    name, settings = told(said, KEY, "grid", NAMES)
    if name == "grid":
        if settings:
            raise Refused(f"{said[0]}: every combination is tried; for a search add sweep=optuna")
        return None
    refuse_misfits(name, Optuna, settings, KEY)
    if find_spec(NEEDS) is None:
        raise Refused(f"{KEY}={name} needs {NEEDS}: pip install 'seedbed[{NEEDS}]'")
    try:
        return Optuna(**settings)
    except ValueError as error:
        raise Refused(f"{KEY}.{error}") from error


def planned(command: Command, settings: Optuna, check: Check) -> Plan:
    """Return the plan of a search; its corners are held against the gate.

    Raises:
        Refused: with everything that is wrong with its space.
    """
    if command.problems and not any(o.is_sweep_override() for o in command.parsed):
        raise Refused("\n".join(command.problems))  # what was to vary is wrong
    axes, fixed = space(command.parsed)
    problems, configs = list(command.problems), []
    for words in corners(axes):
        try:
            configs += check(Command.read([*fixed, *words]))
        except Refused as problem:
            problems += [line + advice(line, axes) for line in str(problem).splitlines()]
    if any(axis.size < 2 for axis in axes) and not problems and len(axes) == 1:
        problems.append(f"{axes[0].name}: one value is nothing to search")
    if settings.sampler == "cmaes" and not any(hasattr(axis, "low") for axis in axes):
        problems.append("sweep.sampler=cmaes: needs an interval; tpe takes lists of values, too")
    if problems:
        raise Refused("\n".join(dict.fromkeys(problems)))
    monitor = configs[0].monitor
    goals = settings.goals or {monitor.name: direction(monitor.name, monitor.mode)}
    return Plan(settings, axes, fixed, configs, goals)


def advice(line: str, axes: Sequence[Axis]) -> str:
    """Return how to say an interval of whole numbers, where a problem asks for that."""
    for axis in axes:
        if not isinstance(axis, Interval) or axis.whole or "whole" not in line:
            continue
        if line.startswith(f"{axis.name}=") and float(axis.low).is_integer():
            return f"; for whole numbers: int(interval({axis.low:g},{axis.high:g}))"
    return ""


def trials(folder: Path, sweep: record.Sweep, make: Make) -> Trials:
    """Return the trials of a recorded search.

    Raises:
        Refused: its record or its study is damaged or gone, or the study is another one's.
    """
    axes, fixed = space([parse(settable(word)) for word in sweep.words])
    try:
        settings = Optuna(**sweep.search["settings"])
        journal, goals = Path(sweep.search["journal"]), dict(sweep.search["goals"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"{folder / record.FILE} is damaged") from error
    if not settings.study and journal != settings.journal(folder):  # the folder has been moved
        journal = settings.journal(folder)
        sweep.search["journal"] = str(journal)  # for the jobs
        record.write(folder, sweep)
    if sweep.jobs and not journal.is_file():
        raise Refused(f"{journal}: the journal of the search is gone")
    opened = study.opened(journal, axes, goals, settings)
    return Trials(folder, sweep, opened, (axes, fixed), make)
