"""What a command line may say of a search; each slip is one line, and no folder is made."""

from pathlib import Path

import pytest
from conftest import Train

from seedbed import config, door
from seedbed.command import Command
from seedbed.run.folder import Refused
from seedbed.sweep.search import plan
from seedbed.sweep.search.findings import matters
from seedbed.sweep.search.optuna import Optuna, values_of
from seedbed.sweep.search.space import Interval

LR = "optimizer.lr=interval(0.1,1)"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["sweep=optun"], "sweep=optun: no such option; did you mean 'optuna'? "),
        (["sweep=optuna", "sweep.trial=3"], "sweep.trial=3: optuna has no setting 'trial'; did "),
        (["sweep=optuna", "sweep.trials=0"], "sweep.trials=0: at least 1 is expected"),
        (["sweep=optuna", "sweep.trials=many"], "sweep.trials=many: a whole number is expected"),
        (["sweep=optuna", "sweep.parallel=0"], "sweep.parallel=0: at least 1 is expected"),
        (["sweep=optuna", "sweep.seed=-1"], "sweep.seed=-1: at least 0 is expected"),
        (["sweep=optuna", "sweep.sampler=grid"], "sweep.sampler=grid: one of tpe, random, cmaes "),
        (["sweep=optuna", "sweep.study=a/b"], "sweep.study=a/b: letters, digits, _, - and . are "),
        (["sweep=optuna", "sweep.metrics=[test/acc]"], "sweep.metrics=[test/acc]: the test split "),
        (
            ["sweep=optuna", "sweep.metrics=[oracle/acc]"],
            "sweep.metrics=[oracle/acc]: it is measur",
        ),
        (["sweep=optuna", "sweep.metrics=[val/los]"], "sweep.metrics=[val/los]: no such metric; "),
        (
            ["sweep=optuna", "sweep.metrics=[val/acc,val/acc]"],
            "sweep.metrics=[val/acc,val/acc]: one stands there twice",
        ),
        (
            ["sweep=optuna", "sweep.metrics=[val/acc,val/loss]", "sweep.pruner=median"],
            "sweep.pruner=median: works with one metric alone, not with 2",
        ),
        (
            ["sweep=optuna", "sweep.metrics=[val/acc,val/loss]", "sweep.sampler=cmaes"],
            "sweep.sampler=cmaes: works with one metric alone, not with 2",
        ),
        (["sweep.trials=3"], "sweep.trials=3: every combination is tried; for a search add sweep="),
        (["sweep=grid,optuna"], "sweep=grid,optuna: one value is expected; it holds for the whol"),
    ],
)
def test_a_wrong_setting_is_one_line(words: list[str], line: str, train: Train) -> None:
    ended = train("-m", *words, LR)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(line)
    assert ended.err.count("\n") == 1
    assert not Path("logs").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["optimizer=sgd"], "sweep=optuna: nothing varies; "),
        (["optimizer=sgd,adamx"], "optimizer=adamx: no such option; did you mean 'adam'? "),
        (["optimizer.lr=interval(-1,1)"], "optimizer.lr=-1.0: Invalid learning rate: -1.0"),
        (["optimizer.lr=interval(1,0)"], "optimizer.lr=interval(1,0): the first end must lie "),
        (["optimizer=adam"], "sweep=optuna: nothing varies; "),
        (["model.dropout=choice(0.1)"], "model.dropout: one value is nothing to search"),
        (
            ["optimizer=momentum,adam", "optimizer.momentum=interval(0.1,0.9)"],
            "optimizer.momentum=0.1: torch.optim.Adam has no argument 'momentum'",
        ),
        (["sweep.sampler=cmaes", "optimizer=sgd,adam"], "sweep.sampler=cmaes: needs an interval; "),
        (["seed=0,1"], "seed=0,1: a search that draws the seed finds luck; "),
    ],
)
def test_a_space_without_a_trial_is_one_line(words: list[str], line: str, train: Train) -> None:
    ended = train("-m", "sweep=optuna", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(line)
    assert ended.err.count("\n") == 1
    assert not Path("logs").exists()


def test_whole_numbers_are_asked_for_where_they_are_needed(train: Train) -> None:
    ended = train("-m", "sweep=optuna", "data.batch_size=interval(16,64)")
    assert ended.code == 2
    advice = "; for whole numbers: int(interval(16,64))"
    assert [line[-len(advice) :] for line in ended.lines()] == [advice] * 2


def test_an_interval_without_a_search_is_told_of_it(train: Train) -> None:
    ended = train("-m", LR)
    assert ended.code == 2
    assert ended.err == (
        f"{LR}: a sweep tries values one by one; list them, as in 0.1,0.01, or search: "
        "sweep=optuna\n"
    )


def test_a_study_of_another_space_leaves_nothing_behind(train: Train, tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna", reason="needs optuna: pip install 'seedbed[optuna]'")
    from seedbed.run.search import storage

    file = Path("logs/studies/mine.log")
    study = optuna.create_study(study_name="seedbed", storage=storage(tmp_path / file))
    study.set_user_attr("asked", {"space": {"model": "mlp,cnn"}, "goals": {"val/loss": "min"}})
    ended = train("-m", "sweep=optuna", "sweep.study=mine", LR)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (f"{file}: the study there has model=mlp,cnn, not nothing; name another\n")
    assert [f.name for f in (tmp_path / "logs").rglob("*")] == ["studies", "mine.log"]


def test_every_combination_has_no_number_of_trials(train: Train) -> None:
    from seedbed.sweep.record import Sweep, write

    folder = Path("logs/sweeps/1")
    folder.mkdir(parents=True)
    write(folder, Sweep(["seed=0,1"], [], [["seed=0"], ["seed=1"]], {}))
    ended = train(f"run={folder}", "sweep.trials=5")
    line = f"sweep.trials=5: {folder} tries every combination; leave it out\n"
    assert (ended.code, ended.err) == (2, line)


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"needs optuna: pip install 'seedbed\[optuna\]'$"):
        plan.chosen(["sweep=optuna"])


def test_without_the_extra_a_report_says_what_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    runs = [object()] * 12
    axes = [Interval("a", 0.0, 1.0), Interval("b", 0.0, 1.0)]
    shares, notes = matters(runs, axes, {"val/loss": "min"})  # type: ignore[arg-type]
    assert shares == {}
    assert notes == ["what matters is not told without optuna: pip install 'seedbed[optuna]'"]


def test_a_search_is_judged_by_the_monitor_or_by_what_is_asked() -> None:
    config.register()
    command = Command.read(["-m", "monitor.name=val/acc", LR])
    assert plan.planned(command, Optuna(), door.checked).goals == {"val/acc": "max"}
    asked = Optuna(metrics=["val/loss", "size/bytes:min", "my/thing:max"])
    goals = {"val/loss": "min", "size/bytes": "min", "my/thing": "max"}
    assert plan.planned(command, asked, door.checked).goals == goals
    known = {"val/loss": 1.0, "size/bytes": 2.0, "my/thing": 3.0, "val/acc": 4.0}
    assert values_of(goals, known) == [1.0, 2.0, 3.0]
    assert values_of(goals, {"val/loss": 1.0}) is None
    assert values_of(goals, known | {"size/bytes": float("nan")}) is None
