"""What a search has found: what matters, what lies at the edge of its space, what to try next."""

import logging
import math
import shlex
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.errors import HydraException

from seedbed.run.folder import Refused
from seedbed.run.status import OK, PRUNED
from seedbed.sweep.groups import SEEDS
from seedbed.sweep.runs import Run, key, value
from seedbed.sweep.search.optuna import values_of
from seedbed.sweep.search.space import Axis, Choice, Interval, read, said, space

ENOUGH = 10  # trials with a value, for what matters to be more than luck
Gate = Callable[[list[str]], bool]


@dataclass(frozen=True)
class Findings:
    """A search, read."""

    goals: Mapping[str, str]  # min or max by metric
    ended: list[Run]  # trials with a value, in their order
    best: Run | None  # by the first metric
    front: list[Run]  # than which no trial is better in one metric and as good in the others
    matters: dict[str, dict[str, float]] = field(default_factory=dict)  # shares, by metric and key
    edges: list[str] = field(default_factory=list)  # a line for each end that the best lies at
    next: str = ""  # the command worth running now
    notes: list[str] = field(default_factory=list)  # what is not known, and why


def findings(search: Mapping[str, Any], words: Sequence[str], jobs: Sequence[Run]) -> Findings:
    """Return what a search has found.

    Args:
        search: what the sweep's record says of it.
        words: overrides of the sweep, as typed.
        jobs: its trials.

    Raises:
        Refused: the record is damaged.
    """
    try:
        goals = dict(search["goals"])
        axes, fixed = space(read(words))
    except (KeyError, TypeError, ValueError, HydraException) as error:
        raise Refused("sweep.yaml is damaged: what was searched is not known") from error
    ended = [run for run in jobs if run.status == OK and values_of(goals, run.metrics)]
    if not ended:
        return Findings(goals, [], None, [], notes=["no trial has a value: nothing was found"])
    best = first(ended, goals)
    shares, notes = matters(ended, axes, goals)
    beyond = at_ends(best, axes, fixed)
    typed = [word for word in search.get("words", ()) if key(word) != "sweep.study"]
    said_next = following(best, axes, fixed, beyond, typed)
    lines = [line for line, _ in beyond.values()]
    return Findings(goals, ended, best, front(ended, goals), shares, lines, said_next, notes)


def first(ended: Sequence[Run], goals: Mapping[str, str]) -> Run:
    """Return the trial that is best by the first metric."""
    metric, mode = next(iter(goals.items()))
    return (min if mode == "min" else max)(ended, key=lambda run: run.metrics[metric])


def front(ended: Sequence[Run], goals: Mapping[str, str]) -> list[Run]:
    """Return the trials that no other one dominates (Pareto)."""
    points = [
        [run.metrics[m] if mode == "min" else -run.metrics[m] for m, mode in goals.items()]
        for run in ended
    ]

    def dominated(mine: Sequence[float]) -> bool:
        return any(
            all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine
            for other in points
        )

    return [run for run, mine in zip(ended, points, strict=True) if not dominated(mine)]


def matters(
    ended: Sequence[Run], axes: Sequence[Axis], goals: Mapping[str, str]
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return the share of each key in the variance of each metric (fANOVA), or why it is unknown.

    Source: Hutter et al. 2014, "An Efficient Approach for Assessing Hyperparameter Importance".
    """
    axes = [axis for axis in axes if axis.size > 1]
    if len(ended) < ENOUGH or len(axes) < 2:
        few = f"{len(ended)} trials have a value: what matters is told from {ENOUGH} on"
        return {}, [few] if len(axes) > 1 else []
    try:
        from optuna import create_study, create_trial
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        from seedbed.sweep.search.study import distribution
    except ImportError:
        return {}, ["what matters is not told without optuna: pip install 'seedbed[optuna]'"]
    found = {}
    logging.getLogger("optuna").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a metric that never changes
        for metric in goals:
            study = create_study()
            for run in ended:
                params = {axis.name: chosen(run, axis) for axis in axes}
                kinds = {axis.name: distribution(axis) for axis in axes}
                trial = create_trial(params=params, distributions=kinds, value=run.metrics[metric])
                study.add_trial(trial)
            shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
            found[metric] = {k: float(v) for k, v in shares.items()}
    return {m: s for m, s in found.items() if any(s.values())}, []


def chosen(run: Run, axis: Axis) -> Any:
    """Return the value of an axis that a trial has tried."""
    told = {key(word): value(word) for word in run.words}[axis.name]
    if isinstance(axis, Choice):
        return told
    return int(told) if axis.whole else float(told)


def at_ends(
    best: Run, axes: Sequence[Axis], fixed: Sequence[str]
) -> dict[str, tuple[str, Interval]]:
    """Return a line and a wider interval for each key whose best value lies at an end.

    An end that the gate does not let go beyond is where the world ends, and no edge.
    """
    found = {}
    for axis in axes:
        if not isinstance(axis, Interval):
            continue
        side = axis.edge(chosen(best, axis))
        wide = wider(axis, side) if side else None
        if not wide:
            continue
        end = wide.low if side == "lower" else wide.high
        others = [a.word(chosen(best, a)) for a in axes if a is not axis]
        if not passes([*fixed, *others, wide.word(end)]):
            continue
        name = axis.name
        line = (
            f"{name}={value_of(best, name)} is the best and lies at the {side} end of "
            f"{axis.low:g} to {axis.high:g}: the optimum may lie beyond"
        )
        found[axis.key] = line, wide
    return found


def value_of(run: Run, name: str) -> str:
    """Return what a trial was told for a key."""
    return next(value(word) for word in run.words if key(word) == name)


def wider(axis: Interval, side: str) -> Interval | None:
    """Return an interval that reaches beyond one of its ends: tenfold, or by its own width.

    None where that end is 0, or 1 of a share: whatever begins there seldom goes on.
    """
    width = axis.high - axis.low
    low, high = axis.low, axis.high
    if side == "lower":
        low = low / 10 if axis.log else low - width
        low = max(low, 0) if axis.low >= 0 and not axis.log else low
    elif axis.log:
        high *= 10
    else:
        high = min(high + width, 1.0) if share_of_one(axis) else high + width
    if axis.whole:
        low, high = max(1, round(low)) if axis.log else round(low), round(high)
    else:
        low, high = float(f"{low:.6g}"), float(f"{high:.6g}")
    same = (low, high) == (axis.low, axis.high)
    return None if same else Interval(axis.key, low, high, axis.log, axis.step)


def share_of_one(axis: Interval) -> bool:
    """Return whether values may be shares, which end at 1."""
    return not axis.whole and axis.high <= 1


def passes(words: list[str]) -> bool:
    """Return whether the gate lets a command through; unasked, it does not."""
    from seedbed.run.remedy import GATES

    return any(gate(words) for gate in GATES)


def following(
    best: Run,
    axes: Sequence[Axis],
    fixed: Sequence[str],
    beyond: Mapping[str, tuple[str, Interval]],
    search: Sequence[str],
) -> str:
    """Return the command worth running now: a wider search, or seeds for what was found."""
    if beyond:
        words = [
            f"{axis.name}={said(beyond[axis.key][1] if axis.key in beyond else axis)}"
            for axis in axes
        ]
        command = ["-m", *search, *plain(fixed), *words]
    else:
        kept = [word for word in plain(fixed) if key(word) not in SEEDS]
        words = [axis.word(chosen(best, axis)).lstrip("+") for axis in axes]
        command = ["-m", *kept, *words, "seed=range(5)"]
    return f"python train.py {shlex.join(command)}"


def plain(words: Sequence[str]) -> list[str]:
    """Return overrides without Hydra's `+`, which nobody needs to type."""
    return [word.lstrip("+") for word in words]


def tally(jobs: Sequence[Run]) -> str:
    """Return how many trials ended how: `14 ok, 5 pruned`."""
    states = [run.status for run in jobs]
    names = [OK, PRUNED, *states]
    return ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(names) if s in states)


def share(shares: Mapping[str, float]) -> str:
    """Return what matters in one line, the most first."""
    known = sorted(shares.items(), key=lambda each: -each[1])
    return ", ".join(f"{name} {round(100 * part)} %" for name, part in known)


def lines(found: Findings, jobs: Sequence[Run]) -> list[str]:
    """Return what a terminal is told; the next command is its last line."""
    told = [f"trials      {tally(jobs)}"]
    told += [f"matters     {share(s)} of {metric}" for metric, s in found.matters.items()]
    told += [f"at an end   {line}" for line in found.edges]
    return [*told, *found.notes]


def verdict(found: Findings, name: str) -> str:
    """Return the line that says what is best."""
    if found.best is None:
        return found.notes[0]
    if len(found.goals) > 1:
        both = " and ".join(found.goals)
        return f"{len(found.front)} of {len(found.ended)} trials are on the front of {both}"
    many = len(found.ended)
    return f"best of {many}: {name}; some of that is luck: confirm it with other seeds"


def improving(found: Findings) -> list[float]:
    """Return the best value so far, trial by trial."""
    metric, mode = next(iter(found.goals.items()))
    best, so_far = math.inf if mode == "min" else -math.inf, []
    for run in found.ended:
        best = (min if mode == "min" else max)(best, run.metrics[metric])
        so_far.append(best)
    return so_far
