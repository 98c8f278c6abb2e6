"""Optuna's side of a search: its study in a journal file, trials asked for and answered."""

import logging
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from seedbed.run.folder import Refused
from seedbed.sweep.space import Axis, Interval, plain

JOURNAL = "study.log"  # in a sweep's folder
STUDIES = Path("logs/studies")  # those with a name, which several sweeps share
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
Sampler = Literal["tpe", "random", "cmaes"]
Pruner = Literal["none", "median", "hyperband"]


def journal_of(folder: Path, name: str) -> Path:
    """Return the file of a study: a sweep's own, or that of a name.

    Raises:
        Refused: it is no name.
    """
    if not name:
        return folder / JOURNAL
    if not NAME.fullmatch(name) or name.startswith("."):
        raise Refused(f"sweep.study={name}: letters, digits, _, - and . are expected")
    return STUDIES / f"{name}.log"


def storage(journal: Path) -> Any:
    """Return Optuna's view of a journal; several processes may write to it."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    journal.parent.mkdir(parents=True, exist_ok=True)
    lock = JournalFileOpenLock(str(journal))
    return JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))


def pruner(kind: Pruner) -> Any:
    """Return what compares a trial on its way with the others."""
    from optuna import pruners

    if kind == "median":
        return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    return pruners.HyperbandPruner() if kind == "hyperband" else pruners.NopPruner()


def sampler(kind: Sampler, seed: int) -> Any:
    """Return what proposes the next trial."""
    from optuna import samplers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental arguments
        if kind == "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        if kind == "random":
            return samplers.RandomSampler(seed=seed)
        return samplers.TPESampler(seed=seed, constant_liar=True)


def opened(
    journal: Path,
    axes: Sequence[Axis],
    goals: Mapping[str, str],
    kinds: tuple[Sampler, Pruner, int],
) -> Any:
    """Return a study, new or gone on with.

    Args:
        journal: its file.
        axes: the space.
        goals: `minimize` or `maximize` by the name of each metric.
        kinds: sampler, pruner and seed.

    Raises:
        Refused: it is there with another space or other goals.
    """
    import optuna

    logging.getLogger("optuna").setLevel(logging.ERROR)
    how, when, seed = kinds
    known = journal.is_file()
    try:
        study = optuna.create_study(
            study_name="seedbed",
            storage=storage(journal),
            sampler=sampler(how, seed + (trials_of(journal) if known else 0)),
            pruner=pruner(when),
            directions=list(goals.values()),
            load_if_exists=True,
        )
    except (ValueError, KeyError) as error:
        raise Refused(f"{journal}: is no journal of a study ({error})") from error
    asked = {"space": plain(axes), "goals": dict(goals)}
    if known and study.user_attrs.get("asked", asked) != asked:
        raise Refused(differs(journal, study.user_attrs["asked"], asked))
    study.set_user_attr("asked", asked)
    return study


def trials_of(journal: Path) -> int:
    """Return about how many trials a journal holds, so that a sampler does not begin anew."""
    return journal.read_text(errors="replace").count("\n")


def differs(journal: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return in one line what two studies of one name do not share."""
    for what in ("goals", "space"):
        for key in dict.fromkeys([*then[what], *now[what]]):
            old, new = then[what].get(key), now[what].get(key)
            if old != new:
                return f"{journal}: the study there has {key} {old}, not {new}; name another one"
    return f"{journal}: the study there is another one; name another one"


def ask(study: Any, axes: Sequence[Axis]) -> tuple[Any, list[str]]:
    """Return the next trial and its words."""
    trial = study.ask({axis.key: distribution(axis) for axis in axes})
    return trial, [axis.word(trial.params[axis.key]) for axis in axes]


def distribution(axis: Axis) -> Any:
    """Return Optuna's name for an axis."""
    from optuna import distributions

    if not isinstance(axis, Interval):
        return distributions.CategoricalDistribution(axis.values)
    if axis.whole:
        return distributions.IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return distributions.FloatDistribution(axis.low, axis.high, log=axis.log)


def answer(study: Any, number: int, values: Sequence[float] | None, *, pruned: bool) -> None:
    """Tell a study what came of a trial; None where it has no number."""
    from optuna.trial import TrialState

    if pruned:
        study.tell(number, state=TrialState.PRUNED, skip_if_finished=True)
    elif values is None or not all(map(math.isfinite, values)):
        study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
    else:
        study.tell(number, list(values), skip_if_finished=True)
