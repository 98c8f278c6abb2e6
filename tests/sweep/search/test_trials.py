"""Trials without trainings: each job's folder is written by the test, from a known function."""

import json
import math
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from seedbed.run.folder import Refused
from seedbed.sweep import record
from seedbed.sweep.jobs import Job
from seedbed.sweep.search import study as studies
from seedbed.sweep.search.plan import trials
from seedbed.sweep.search.trials import Trials

pytest.importorskip("optuna", reason="needs optuna: pip install 'seedbed[optuna]'")

LR = "optimizer.lr=tag(log,interval(1e-4,1))"
BEST = 0.01


def sweep_of(folder: Path, *words: str, **settings: Any) -> record.Sweep:
    search = {
        "words": [],
        "settings": settings,
        "goals": {"val/loss": "min"},
        "journal": str(folder / "study.log"),
        "trials": [],
    }
    return record.Sweep([*words], [], [], {"name": "val/loss", "mode": "min"}, search)


def make(folder: Path) -> Any:
    return lambda number, words: Job(number, words, folder / str(number), "")


def fresh(folder: Path, *words: str, **settings: Any) -> Trials:
    folder.mkdir(parents=True)
    return trials(folder, sweep_of(folder, *words, **settings), make(folder))


def again(folder: Path) -> Trials:
    """Return the trials of a sweep as a new process finds them."""
    return trials(folder, record.read(folder), make(folder))


def end(job: Job, value: float, status: str = "ok", name: str = "val/loss") -> None:
    job.out.mkdir(exist_ok=True)
    (job.out / "config.yaml").write_text("model: {}\n")
    (job.out / "overrides.txt").write_text("\n".join(job.words))
    (job.out / "status.json").write_text(json.dumps({"status": status}))
    (job.out / "metrics.json").write_text(json.dumps({name: value}))


def told(words: list[str], name: str = "optimizer.lr") -> float:
    return float(next(w.partition("=")[2] for w in words if w.startswith(name)))


def loss(words: list[str]) -> float:
    """Return a loss that is least, 0, at a rate of .01: the squared decades from there."""
    return math.log10(told(words) / BEST) ** 2


def run(supply: Trials, most: int = 1000) -> list[list[str]]:
    """Run trials one after the other, and return their words."""
    done = []
    while len(done) < most and (jobs := supply.take(1)):
        end(jobs[0], loss(jobs[0].words))
        supply.ended(jobs[0])
        done.append(jobs[0].words)
    return done


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_a_search_that_was_killed_proposes_what_it_would_have(tmp_path: Path, sampler: str) -> None:
    whole = run(fresh(tmp_path / "a", LR, "model=x,y", trials=16, sampler=sampler))
    first = run(fresh(tmp_path / "b", LR, "model=x,y", trials=16, sampler=sampler), most=7)
    rest = run(again(tmp_path / "b"))
    assert len(whole) == 16
    assert first + rest == whole
    assert len({tuple(words) for words in whole}) == 16


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_sampler_learns_from_what_came_before(tmp_path: Path, sampler: str) -> None:
    def late(name: str, seed: int) -> float:
        found = run(fresh(tmp_path / f"{name}{seed}", LR, trials=30, sampler=name, seed=seed))
        return median(map(loss, found[20:]))

    seeds = range(0, 700, 100)
    late_of = {name: median(late(name, seed) for seed in seeds) for name in (sampler, "random")}
    assert late_of[sampler] < 0.2 * late_of["random"]


def test_a_finite_space_is_tried_wholly_and_nothing_twice(tmp_path: Path) -> None:
    supply = fresh(tmp_path / "a", "optimizer.lr=0.1,0.2,0.3", "model=x,y", trials=50)
    found = run(supply)
    assert sorted(found) == sorted(
        [f"optimizer.lr={lr}", f"model={m}"] for lr in (0.1, 0.2, 0.3) for m in "xy"
    )
    assert supply.over == "all 6 combinations have been tried"
    assert again(tmp_path / "a").take(1) == []


def test_no_more_at_once_than_asked_and_than_there_is_room_for(tmp_path: Path) -> None:
    supply = fresh(tmp_path / "a", LR, trials=6, parallel=3)
    assert len(supply.take(2)) == 2
    first = supply.take(5)
    assert len(first) == 1
    assert supply.take(1) == []
    end(first[0], 1.0)
    supply.ended(first[0])
    assert len(supply.take(9)) == 1
    assert len(supply) == 2


def states(supply: Trials) -> list[str]:
    return [t.state.name for t in supply.study.get_trials(deepcopy=False)]


def test_what_came_of_a_job_is_told_once_and_also_afterwards(tmp_path: Path) -> None:
    supply = fresh(tmp_path / "a", LR, trials=9)
    jobs = supply.take(7)
    ends = ["ok", "pruned", "diverged", "failed", "interrupted"]
    for job, status in zip(jobs, ends, strict=False):
        end(job, 0.5, status)
    for job in jobs[:2]:
        supply.ended(job)
    # the process is killed here: nobody tells the study of the others
    found = again(tmp_path / "a")
    known = ["COMPLETE", "PRUNED", "PRUNED", "FAIL", "RUNNING", "RUNNING", "RUNNING"]
    assert states(found) == known
    assert [found.is_open(n) for n in range(7)] == [False] * 4 + [True] * 3
    assert len(found) == 2
    for job in jobs[4:]:
        end(job, 0.25)
        found.ended(job)
        found.ended(job)
    assert Counter(states(found)) == {"COMPLETE": 4, "PRUNED": 2, "FAIL": 1}


@pytest.mark.parametrize("kind", ["proposed", "half proposed"])
def test_killed_while_a_trial_is_proposed_the_rest_is_the_same(tmp_path: Path, kind: str) -> None:
    whole = run(fresh(tmp_path / "a", LR, "model=x,y", trials=14))
    supply = fresh(tmp_path / "b", LR, "model=x,y", trials=14)
    first = run(supply, most=11)
    if kind == "proposed":  # and killed before the record is written
        studies.ask(supply.study, supply.axes, supply.settings)
    else:
        supply.study.ask()
    found = again(tmp_path / "b")
    assert first + run(found) == whole
    assert Counter(states(found)) == {"COMPLETE": 14} | (
        {"FAIL": 1} if kind == "half proposed" else {}
    )


def test_a_metric_that_is_not_logged_ends_the_search(tmp_path: Path) -> None:
    supply = fresh(tmp_path / "a", LR, trials=4)
    [job] = supply.take(1)
    end(job, 1.0, name="val/los")
    supply.ended(job)
    line = "sweep.metrics: val/loss was not logged by job 0; did you mean 'val/los'?"
    assert supply.over.startswith(line)
    assert supply.take(1) == []


def test_a_study_of_another_space_is_left_alone(tmp_path: Path) -> None:
    fresh(tmp_path / "a", LR, trials=4).take(1)
    other = sweep_of(tmp_path / "a", "optimizer.lr=interval(0,1)", trials=4)
    with pytest.raises(Refused, match=r"has optimizer.lr=tag\(log,interval\(0.0001,1.0\)\), not"):
        trials(tmp_path / "a", other, make(tmp_path / "a"))
    other = sweep_of(tmp_path / "a", LR, trials=4)
    other.search["goals"] = {"val/acc": "max"}
    with pytest.raises(Refused, match=r"is judged by val/loss \(min\), not val/acc \(max\)"):
        trials(tmp_path / "a", other, make(tmp_path / "a"))


@pytest.mark.parametrize("text", ["nonsense\n", '{"op_code": 99}\n', "[]\n", "\0\0\n"])
def test_a_journal_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "study.log").write_text(text)
    with pytest.raises(Refused, match=r"study.log: is no journal of a study, or is damaged"):
        trials(folder, sweep_of(folder, LR, trials=4), make(folder))


def test_sweeps_that_share_a_study_share_what_is_known(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    for folder in (one, two):
        folder.mkdir()
    made = []
    for folder in (one, two):
        sweep = sweep_of(folder, "optimizer.lr=0.1,0.2,0.3", trials=3, study="mine")
        sweep.search["journal"] = str(tmp_path / "mine.log")
        made.append(trials(folder, sweep, make(folder)))
    first = run(made[0], most=2)
    second = run(made[1])
    assert len(second) == 1
    assert sorted(first + second) == [[f"optimizer.lr={v}"] for v in (0.1, 0.2, 0.3)]
