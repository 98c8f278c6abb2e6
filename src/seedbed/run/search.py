"""What the job of a search knows of the others: whether they were better at this point.

The study lies in a journal file beside the jobs, so a job needs nothing but the disk, wherever it
runs.  No torch here.
"""

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import yaml

from seedbed.run.child import SWEEP

RECORD = "sweep.yaml"


def storage(journal: Path) -> Any:
    """Return Optuna's view of a journal; several processes may write to it."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    logging.getLogger("optuna").setLevel(logging.ERROR)
    journal.parent.mkdir(parents=True, exist_ok=True)
    lock = JournalFileOpenLock(str(journal))
    return JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))


def pruner(kind: str) -> Any:
    """Return what compares a trial on its way with the others."""
    from optuna import pruners

    if kind == "median":
        return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    return pruners.HyperbandPruner() if kind == "hyperband" else pruners.NopPruner()


class Contest:
    """A trial among those of its study.

    Args:
        journal: the study's file.
        number: of the trial.
        kind: of the pruner.
        metric: that is compared.
    """

    def __init__(self, journal: Path, number: int, kind: str, metric: str) -> None:
        self.journal, self.number, self.kind, self.metric = journal, number, kind, metric
        self.study: Any = None

    def behind(self, step: int, value: float) -> bool:
        """Tell the study a value, and return whether the trial is to be given up.

        Args:
            step: epochs done; the second value of a step counts for nothing.
            value: of the metric.
        """
        trial = self.trial()
        if not trial.state.is_finished() and step not in trial.intermediate_values:
            self.study._storage.set_trial_intermediate_value(trial._trial_id, step, value)
        went_further = step < max(trial.intermediate_values, default=step)  # before it was killed
        return not went_further and self.was_behind()

    def trial(self) -> Any:
        """Return what is known of the trial now."""
        import optuna

        if self.study is None:
            chosen = {"pruner": pruner(self.kind), "sampler": optuna.samplers.RandomSampler()}
            self.study = optuna.load_study(study_name=None, storage=storage(self.journal), **chosen)
        return self.study.get_trials(deepcopy=False)[self.number]

    def was_behind(self) -> bool:
        """Return whether the trial is to be given up by the newest value that was told."""
        trial = self.trial()
        if trial.state.is_finished():
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # experimental pruners
            return self.study.pruner.prune(self.study, trial)


def contest(out: Path) -> Contest | None:
    """Return the contest that a run takes part in, None if it is no job of one.

    Args:
        out: the run's folder, which lies in the sweep's.
    """
    file = out.parent / RECORD
    if SWEEP not in os.environ or not out.name.isdecimal() or not file.is_file():
        return None
    search = yaml.safe_load(file.read_text()).get("search") or {}
    kind = search.get("settings", {}).get("pruner", "none")
    if kind == "none":
        return None
    [metric] = search["goals"]
    return Contest(Path(search["journal"]), search["trials"][int(out.name)], kind, metric)
