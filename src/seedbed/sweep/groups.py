"""The runs of a sweep, grouped by everything but the seed and the fold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from seedbed.run.status import DIVERGED, FAILED, OK, PRUNED
from seedbed.sweep.runs import Run, key

SEEDS = ("seed", "data.seed")  # in which the runs of a group differ
FOLD = "data.fold"
BROKEN = (FAILED, DIVERGED)  # ends that speak against a setting
OUT = (*BROKEN, PRUNED, "refused")  # after which no number is to be expected

Repeat = tuple[str, ...]  # what tells the runs of a group from each other
Setting = tuple[str, ...]


@dataclass
class Group:
    """The runs of one setting."""

    setting: Setting  # every word but the seeds'
    runs: dict[Repeat, Run] = field(default_factory=dict)
    planned: int = 0  # runs that the sweep wants of it

    def values(self, metric: str) -> dict[Repeat, float]:
        """Return a metric of every run that ended well and has it."""
        ended = {at: run for at, run in self.runs.items() if run.status == OK}
        return {at: run.metrics[metric] for at, run in ended.items() if metric in run.metrics}

    @property
    def total(self) -> int:
        """The runs that there are or should be."""
        return max(self.planned, len(self.runs))

    def statuses(self) -> dict[str, int]:
        """Return how many runs did not end well, by how they stand."""
        found: dict[str, int] = {}
        for run in self.runs.values():
            if run.status != OK:
                found[run.status] = found.get(run.status, 0) + 1
        missing = self.total - len(self.runs)
        return found | ({"not run": missing} if missing else {})

    @property
    def broken(self) -> int:
        """How many runs failed or diverged."""
        return sum(run.status in BROKEN for run in self.runs.values())

    @property
    def unfinished(self) -> int:
        """How many runs may still have a number."""
        return self.total - sum(run.status in (OK, *OUT) for run in self.runs.values())


def parted(words: Iterable[str]) -> tuple[Setting, Repeat]:
    """Return the words of a setting, and those that tell its runs from each other."""
    setting, repeat = [], []
    for word in words:
        (repeat if key(word) in (*SEEDS, FOLD) else setting).append(word)
    return tuple(setting), tuple(sorted(repeat))


def grouped(runs: Iterable[Run], planned: Iterable[Sequence[str]] = ()) -> list[Group]:
    """Return the groups in the order in which they were asked for.

    A run that was made twice counts once, the later one if it ended well: the same seed knows
    nothing new.

    Args:
        runs: of a sweep.
        planned: the words of every job that it wants, where that is written down.
    """
    found: dict[frozenset[str], Group] = {}

    def group_of(setting: Setting) -> Group:
        return found.setdefault(frozenset(setting), Group(setting))

    wanted: dict[frozenset[str], set[Repeat]] = {}
    for words in planned:
        setting, repeat = parted(words)
        group_of(setting)
        wanted.setdefault(frozenset(setting), set()).add(repeat)
    for run in runs:
        if not run.words:
            continue  # nobody knows what it was
        setting, repeat = parted(run.words)
        group = group_of(setting)
        before = group.runs.get(repeat)
        if before is None or run.status == OK or before.status != OK:
            group.runs[repeat] = run
    for name, group in found.items():
        group.planned = len(wanted.get(name, set()) | set(group.runs))
    return list(found.values())


def varied(groups: Sequence[Group]) -> list[str]:
    """Return the keys in which groups differ, in the order of the command line."""
    every = [set(group.setting) for group in groups]
    shared = set.intersection(*every) if every else set()
    keys = [key(word) for group in groups for word in group.setting if word not in shared]
    return list(dict.fromkeys(keys))


def label(group: Group, keys: Sequence[str]) -> str:
    """Return the words that set a group apart."""
    said = {key(word): word.lstrip("+") for word in group.setting}
    return " ".join(said[k] for k in keys if k in said) or "as it is"


def folds(groups: Sequence[Group]) -> int:
    """Return how many folds the sweep's data has, 0 if it has none."""
    for group in groups:
        said = dict(word.lstrip("+").split("=", 1) for word in group.setting if "=" in word)
        if said.get("data.folds", "").isdigit():
            return int(said["data.folds"])
    return 0
