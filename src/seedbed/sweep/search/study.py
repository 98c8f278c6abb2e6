"""Optuna's side of a search: its study in a journal file, trials asked for and answered."""

import itertools
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seedbed.run.folder import Refused
from seedbed.run.search import pruner, storage
from seedbed.sweep.search.optuna import Optuna
from seedbed.sweep.search.space import Axis, Interval, plain

WORDS, SWEEP = "words", "sweep"  # what a trial remembers: its overrides, and whose job it is
VOID = "void"  # it has no parameters: the process was killed while it was proposed


def sampler(kind: str, seed: int) -> Any:
    """Return what proposes the next trial."""
    from optuna import samplers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental arguments
        if kind == "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        if kind == "random":
            return samplers.RandomSampler(seed=seed)
        return samplers.TPESampler(seed=seed, constant_liar=True)


def opened(journal: Path, axes: Sequence[Axis], goals: Mapping[str, str], settings: Optuna) -> Any:
    """Return a study, new or gone on with.

    Args:
        journal: its file.
        axes: the space.
        goals: `min` or `max` by the name of each metric.
        settings: of the search.

    Raises:
        Refused: it is there with another space or other goals, or is damaged.
    """
    import optuna

    known = journal.is_file()
    try:
        study = optuna.create_study(
            study_name="seedbed",
            storage=storage(journal),
            sampler=sampler(settings.sampler, settings.seed),
            pruner=pruner(settings.pruner),
            directions=["minimize" if mode == "min" else "maximize" for mode in goals.values()],
            load_if_exists=True,
        )
        then = study.user_attrs.get("asked")
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise Refused(f"{journal}: is no journal of a study, or is damaged") from error
    asked = {"space": plain(axes), "goals": dict(goals)}
    if known and then not in (None, asked):
        raise Refused(differs(journal, then, asked))
    if then is None:
        study.set_user_attr("asked", asked)
    return study


def differs(journal: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return in one line what two studies of one name do not share."""
    goals = [
        ", ".join(f"{k} ({mode})" for k, mode in each["goals"].items()) for each in (then, now)
    ]
    if goals[0] != goals[1]:
        return f"{journal}: the study there is judged by {goals[0]}, not {goals[1]}; name another"
    for key in dict.fromkeys([*then["space"], *now["space"]]):
        old, new = (each["space"].get(key, "nothing") for each in (then, now))
        if old != new:
            return f"{journal}: the study there has {key}={old}, not {new}; name another"
    return f"{journal}: the study there is another one; name another"


def ask(study: Any, axes: Sequence[Axis], settings: Optuna) -> tuple[Any, list[str]]:
    """Return the next trial and its words.

    Each trial has a sampler of its own number, so that a search that was interrupted proposes what
    it would have proposed.
    """
    known = sum(VOID not in trial.user_attrs for trial in study.get_trials(deepcopy=False))
    study.sampler = sampler(settings.sampler, settings.seed + known)
    trial = study.ask({axis.name: distribution(axis) for axis in axes})
    return trial, words_of(trial, axes)


def words_of(trial: Any, axes: Sequence[Axis]) -> list[str]:
    """Return the overrides that a trial stands for."""
    return [axis.word(trial.params[axis.name]) for axis in axes]


def remember(study: Any, trial: Any, **attributes: Any) -> None:
    """Write something down with a trial, also with one that another process has proposed."""
    for key, value in attributes.items():
        study._storage.set_trial_user_attr(trial._trial_id, key, value)


def void(study: Any, trial: Any) -> None:
    """Give up a trial that has no parameters; the next one is proposed in its place."""
    remember(study, trial, **{VOID: True})
    answer(study, trial.number, None)


def distribution(axis: Axis) -> Any:
    """Return Optuna's name for an axis."""
    from optuna import distributions

    if not isinstance(axis, Interval):
        return distributions.CategoricalDistribution(axis.values)
    if axis.whole:
        low, high, step = int(axis.low), int(axis.high), int(axis.step) or 1
        return distributions.IntDistribution(low, high, log=axis.log, step=step)
    step = axis.step or None
    return distributions.FloatDistribution(axis.low, axis.high, log=axis.log, step=step)


def answer(study: Any, number: int, values: Sequence[float] | None, *, bad: bool = False) -> None:
    """Tell a study what came of a trial; the first to say so is right.

    Args:
        study: Optuna's.
        number: of the trial.
        values: what it measured, None for nothing.
        bad: whether that speaks against what it tried: it was pruned, or diverged.
    """
    from optuna.trial import TrialState

    if values is not None:
        study.tell(number, list(values), skip_if_finished=True)
    elif bad and len(study.directions) == 1:
        study.tell(number, state=TrialState.PRUNED, skip_if_finished=True)
    else:
        study.tell(number, state=TrialState.FAIL, skip_if_finished=True)


def repeat(study: Any, number: int, twin: Any) -> None:
    """Answer a trial that was made before: by what came of that, as the same would come again."""
    from optuna.trial import TrialState

    done = twin.state == TrialState.COMPLETE
    answer(study, number, twin.values if done else None, bad=twin.state == TrialState.PRUNED)


def untried(study: Any, axes: Sequence[Axis]) -> dict[str, Any] | None:
    """Return the first combination of a finite space that no trial has, None if there is none."""
    if not all(math.isfinite(axis.size) for axis in axes):
        return None
    known = {tuple(t.user_attrs.get(WORDS, ())) for t in study.get_trials(deepcopy=False)}
    every = itertools.product(*(listed(axis) for axis in axes))
    for values in every:
        if tuple(a.word(v) for a, v in zip(axes, values, strict=True)) not in known:
            return {axis.name: value for axis, value in zip(axes, values, strict=True)}
    return None


def listed(axis: Axis) -> list[Any]:
    """Return every value of an axis that has an end."""
    if not isinstance(axis, Interval):
        return list(axis.values)
    step = axis.step or 1
    return [axis.low + at * step for at in range(int(axis.size))]
