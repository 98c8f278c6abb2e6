"""What is said of a search: the front, what matters, ends, and the command to go on with."""

import math
from pathlib import Path
from typing import Any

import pytest

from seedbed import config, door
from seedbed.run import remedy
from seedbed.run.folder import Refused
from seedbed.sweep.runs import Run
from seedbed.sweep.search.findings import Findings, findings, front, improving, lines, verdict

LR = "optimizer.lr=tag(log,interval(1e-4,1e-1))"


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> None:
    config.register()
    monkeypatch.setattr(remedy, "GATES", [door.passes])


def trial(number: int, words: list[str], status: str = "ok", **metrics: float) -> Run:
    named = {name.replace("_", "/"): value for name, value in metrics.items()}
    return Run(Path("s", str(number)), status, tuple(words), named)


def found(words: list[str], jobs: list[Run], **search: Any) -> Findings:
    plain = {"words": ["sweep=optuna", "sweep.study=mine"], "settings": {}} | search
    return findings({"goals": {"val/loss": "min"}} | plain, words, jobs)


def test_the_front_is_what_nothing_dominates() -> None:
    points = [(1, 5), (2, 3), (3, 3), (2, 6), (4, 1), (1, 5), (5, 0.5)]
    runs = [trial(n, [], val_loss=a, val_acc=-b) for n, (a, b) in enumerate(points)]
    names = [r.folder.name for r in front(runs, {"val/loss": "min", "val/acc": "max"})]
    assert names == ["0", "1", "4", "5", "6"]


def test_the_best_so_far() -> None:
    runs = [trial(n, [], val_acc=v) for n, v in enumerate([0.5, 0.4, 0.8, 0.7])]
    known = Findings({"val/acc": "max"}, runs, runs[2], [])
    assert improving(known) == [0.5, 0.5, 0.8, 0.8]


def grid(size: int) -> list[Run]:
    """Return trials over rate and width whose loss is that of the rate, and a tenth the width's."""
    runs = []
    for n in range(size * size):
        a, b = (n % size) / (size - 1), (n // size) / (size - 1)
        words = [f"optimizer.lr={10 ** (-4 + 3 * a):.4g}", f"model.dropout={b / 2:.4g}"]
        loss = (a - 0.5) ** 2 + 0.1 * (b - 0.5) ** 2
        runs.append(trial(n, words, val_loss=loss))
    return runs


def test_what_matters_is_the_share_of_the_variance() -> None:
    """The two parts are independent: their variances are as 1 to .1², shares 99 % and 1 %."""
    pytest.importorskip("optuna", reason="needs optuna: pip install 'seedbed[optuna]'")
    shares = found([LR, "model.dropout=interval(0,0.5)"], grid(7)).matters["val/loss"]
    assert shares["optimizer.lr"] == pytest.approx(0.99, abs=0.02)
    assert shares["model.dropout"] == pytest.approx(0.01, abs=0.02)


def test_of_few_trials_nobody_knows_what_matters() -> None:
    told = found([LR, "model.dropout=interval(0,0.5)"], grid(3))
    assert told.matters == {}
    assert told.notes == ["9 trials have a value: what matters is told from 10 on"]


def test_a_best_value_at_an_end_is_told_and_searched_beyond() -> None:
    jobs = [trial(0, ["model=mlp", "optimizer.lr=0.0995"], val_loss=0.1)]
    told = found(["model=mlp", LR], jobs)
    assert told.edges == [
        "optimizer.lr=0.0995 is the best and lies at the upper end of 0.0001 to 0.1: the optimum "
        "may lie beyond"
    ]
    assert told.next == (
        "python train.py -m sweep=optuna model=mlp 'optimizer.lr=tag(log,interval(0.0001,1.0))'"
    )


def test_an_end_beyond_which_the_gate_lets_nothing_is_none() -> None:
    jobs = [trial(0, ["model=mlp", "model.dropout=0"], val_loss=0.1)]
    told = found(["model=mlp", "model.dropout=interval(0,0.5)"], jobs)
    assert told.edges == []
    assert told.next == "python train.py -m model=mlp model.dropout=0.0 'seed=range(5)'"


def test_what_is_found_is_confirmed_by_seeds() -> None:
    jobs = [
        trial(0, ["seed=3", "model=mlp", "optimizer.lr=0.01", "optimizer=sgd"], val_loss=0.3),
        trial(1, ["seed=3", "model=mlp", "optimizer.lr=0.02", "optimizer=adam"], val_loss=0.1),
        trial(2, ["seed=3", "model=mlp", "optimizer.lr=0.03", "optimizer=sgd"], "pruned"),
    ]
    told = found(["seed=3", "model=mlp", LR, "optimizer=sgd,adam"], jobs)
    words = "model=mlp optimizer.lr=0.02 optimizer=adam 'seed=range(5)'"
    assert told.next == f"python train.py -m {words}"
    assert remedy.GATES[0](["-m", *words.replace("'", "").split()])
    assert lines(told, jobs)[0] == "trials      2 ok, 1 pruned"
    assert verdict(told, "it").startswith("best of 2: it; some of that is luck")


def test_nothing_found_is_said() -> None:
    jobs = [trial(0, ["optimizer.lr=0.01"], "diverged"), trial(1, ["optimizer.lr=0.02"])]
    told = found([LR], jobs)
    assert (told.best, told.next) == (None, "")
    assert lines(told, jobs) == [
        "trials      1 ok, 1 diverged",
        "no trial has a value: nothing was found",
    ]
    assert math.isinf(sum(improving(told), math.inf))


@pytest.mark.parametrize("broken", [{"goals": None}, {"goals": 3}])
def test_a_damaged_record_is_one_line(broken: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"^sweep.yaml is damaged"):
        found([LR], [trial(0, ["optimizer.lr=0.01"], val_loss=1.0)], **broken)


def test_words_that_are_none_are_one_line() -> None:
    with pytest.raises(Refused, match=r"^sweep.yaml is damaged"):
        found(["optimizer.lr=interval(1,"], [])
