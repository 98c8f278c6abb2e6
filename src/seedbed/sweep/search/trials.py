"""The trials of a search as a launcher's supply of jobs: proposed when there is room for one."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seedbed.nearest import nearest
from seedbed.run.status import DIVERGED, FAILED, OK, PRUNED
from seedbed.run.stop import patiently
from seedbed.sweep import record, runs
from seedbed.sweep.jobs import Job
from seedbed.sweep.search import study as studies
from seedbed.sweep.search.optuna import Optuna, values_of
from seedbed.sweep.search.space import Axis

REPEATED = 20  # proposals in a row that were tried before: what is left is listed then

Make = Callable[[int, list[str]], Job]


class Trials:
    """Trials, some of which may have begun before.

    Args:
        folder: of the sweep.
        sweep: its record, which every trial is added to before its job begins.
        study: Optuna's.
        axes: what varies.
        fixed: overrides that all trials share.
        make: a job by its number and its overrides.
    """

    def __init__(
        self,
        folder: Path,
        sweep: record.Sweep,
        study: Any,
        space: tuple[Sequence[Axis], Sequence[str]],
        make: Make,
    ) -> None:
        self.folder, self.sweep, self.study, self.make = folder, sweep, study, make
        self.axes, self.fixed = space
        self.settings = Optuna(**sweep.search["settings"])
        self.again: deque[Job] = deque()  # jobs that have begun before and go on
        self.orphans: deque[Any] = deque()  # trials that no job has been made of
        self.running: set[int] = set()
        self.over = ""  # why no more trials are made, though there should be
        self.settle_all()

    @property
    def numbers(self) -> list[int]:
        """Optuna's numbers of the jobs."""
        return self.sweep.search["trials"]

    def __len__(self) -> int:
        """Return how many jobs are still to come."""
        new = self.settings.trials - len(self.sweep.jobs)
        return len(self.again) + (0 if self.over else max(0, new))

    def take(self, room: int) -> list[Job]:
        """Return the jobs to begin now; a signal waits until they are written down."""
        found: list[Job] = []
        room = min(room, self.settings.parallel - len(self.running))
        with patiently():
            while len(found) < room and len(self):
                job = self.again.popleft() if self.again else self.next()
                if job is None:
                    break
                found.append(job)
                self.running.add(job.number)
        return found

    def next(self) -> Job | None:
        """Return the job of a trial that nobody has made yet, None if there is none."""
        missing = studies.untried(self.study, self.axes)
        if self.size and missing is None:
            self.over = f"all {self.size} combinations have been tried"
            return None
        for _ in range(REPEATED):
            trial, words = self.proposed()
            twin = self.twin(trial.number, words)
            if twin is None:
                return self.begun(trial, words)
            studies.repeat(self.study, trial.number, twin)
        if missing is None:
            self.over = f"the last {REPEATED} proposals had all been made before"
            return None
        self.study.enqueue_trial(missing)
        return self.begun(*studies.ask(self.study, self.axes, self.settings))

    def is_open(self, number: int) -> bool:
        """Return whether nothing is known yet of a job's trial."""
        known = self.study.get_trials(deepcopy=False)[self.numbers[number]]
        return not known.state.is_finished()

    def proposed(self) -> tuple[Any, list[str]]:
        """Return a trial and its words: one that was proposed and never begun, or a new one."""
        if self.orphans:
            trial = self.orphans.popleft()
            return trial, studies.words_of(trial, self.axes)
        return studies.ask(self.study, self.axes, self.settings)

    @property
    def size(self) -> int:
        """How many combinations a space without intervals has."""
        size = math.prod(axis.size for axis in self.axes)
        return int(size) if math.isfinite(size) else 0

    def twin(self, number: int, words: Sequence[str]) -> Any:
        """Return an earlier trial of the same overrides, None if there is none."""
        known = self.study.get_trials(deepcopy=False)
        same = (t for t in known if t.user_attrs.get(studies.WORDS) == words)
        return next((t for t in same if t.number != number), None)

    def begun(self, trial: Any, words: list[str]) -> Job:
        """Write down that a trial is a job of this sweep."""
        number = len(self.sweep.jobs)
        whose = {studies.WORDS: words, studies.SWEEP: [self.folder.name, number]}
        studies.remember(self.study, trial, **whose)
        self.sweep.jobs.append(record.as_typed([*self.fixed, *words]))
        self.numbers.append(trial.number)
        record.write(self.folder, self.sweep)
        return self.make(number, self.sweep.jobs[-1])

    def ended(self, job: Job) -> None:
        """Tell the study what came of a job."""
        self.running.discard(job.number)
        self.settle(job.number)

    def settle(self, number: int) -> None:
        """Tell the study what came of a job, if anything has."""
        run = runs.read(self.folder / str(number))
        trial = self.numbers[number]
        if run.status == OK:
            goals = self.sweep.search["goals"]
            values = values_of(goals, run.metrics)
            if values is None:
                missing = next(name for name in goals if name not in run.metrics)
                known = nearest(missing, sorted(run.metrics))
                self.over = f"sweep.metrics: {missing} was not logged by job {number}; {known}"
            studies.answer(self.study, trial, values)
        elif run.status in (PRUNED, DIVERGED):
            studies.answer(self.study, trial, None, bad=True)
        elif run.status in (FAILED, "refused", "damaged"):
            studies.answer(self.study, trial, None)

    def settle_all(self) -> None:
        """Bring the study up to what the folders say, after an end that nobody could tell it."""
        with patiently():
            for number in range(len(self.sweep.jobs)):
                if (self.folder / str(number) / "config.yaml").is_file():
                    self.settle(number)
            if not self.settings.study:  # of a study that is shared others may begin them now
                self.take_up()

    def take_up(self) -> None:
        """Find the trials that were proposed when the process was killed, and no job is."""
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state.name != "RUNNING" or trial.number in self.numbers:
                continue
            if all(axis.name in trial.params for axis in self.axes):
                self.orphans.append(trial)
            else:
                studies.void(self.study, trial)
