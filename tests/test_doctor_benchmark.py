"""The doctor's benchmark: its arithmetic, its faults, and that the gate lets every kind through."""

import math
from pathlib import Path

import cases
import healthy
import numpy as np
import pytest
import remedies
import replay
import scoring
import spoil
import tables
import torch
from scoring import End, Verdict

from seedbed import config, door, trust
from seedbed.command import Command
from seedbed.doctor import Case, Curve, Finding
from seedbed.doctor._case import Level
from seedbed.types import Batch

OK = End(
    "ok", {"val/acc": 0.9, "val/loss": 0.4}, {"val/acc": 0.9, "test/acc": 0.88, "test/f1": 0.8}
)


def ended(last: float, test: float, loss: float = 0.4, f1: float = 0.8) -> End:
    best = {"val/acc": last, "test/acc": test, "test/f1": f1}
    return End("ok", {"val/acc": last, "val/loss": loss}, best)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (95, 100, 0.8882, 0.9785),
        (1, 2, 0.0945, 0.9055),
    ],
)
def test_wilson_gives_the_published_intervals(
    hits: int, count: int, low: float, high: float
) -> None:
    assert scoring.wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


def test_nothing_is_known_of_no_runs() -> None:
    assert scoring.wilson(0, 0) == (0, 1)
    assert scoring.share(0, 0) == "0/0 = - % [0.0, 100.0]"


@pytest.mark.parametrize(
    ("fault", "how", "by"),
    [
        (ended(0.9, 0.88), "score", 0),
        (ended(0.8, 0.88), "score", 5),  # ten points at two a unit
        (ended(0.9, 0.78), "score", 5),
        (ended(0.95, 0.95), "score", -2.5),
        (ended(0.9, 0.88, loss=0.5), "loss", 2.5),
        (ended(0.9, 0.8), "promise", 4),  # promises 10 points, the control 2
        (ended(0.9, 0.88, f1=0.7), "balance", 5),
    ],
)
def test_worse_counts_in_units_of_what_is_no_chance(fault: End, how: str, by: float) -> None:
    assert scoring.worse(fault, OK, how) == pytest.approx(by)


def test_a_run_that_diverged_is_worse_and_one_that_was_refused_says_nothing() -> None:
    assert scoring.worse(End("diverged", {}, {}), OK, "score") == math.inf
    assert math.isnan(scoring.worse(End("refused", {}, {}), OK, "score"))
    assert math.isnan(scoring.worse(OK, End("failed", {}, {}), "score"))


def test_a_regression_is_judged_by_r2() -> None:
    control = End("ok", {"val/r2": 0.9}, {"test/r2": 0.9})
    assert scoring.worse(End("ok", {"val/r2": 0.7}, {"test/r2": 0.9}), control, "score") > 9


VERDICTS = [
    Verdict("a", 0, ("nan",), ("nan", "slow"), 0.1),
    Verdict("a", 1, ("nan",), ("slow", "nan"), 0.3),
    Verdict("b", 0, ("slow", "dead"), ("nan",)),
    Verdict("b", 1, ("slow", "dead"), ()),
    Verdict("well", 0, (), ()),
    Verdict("well", 1, (), ("slow",)),
    Verdict("well", 2, (), ()),
]


def test_counting() -> None:
    assert scoring.recall(VERDICTS) == (2, 4)
    assert scoring.first_right(VERDICTS) == (1, 3)
    assert scoring.false_alarms(VERDICTS) == (1, 3)
    assert scoring.by_symptom(VERDICTS) == {"nan": (2, 1, 0), "slow": (0, 2, 1)}
    table = scoring.confusion(VERDICTS)
    assert table["a"] == {"nan": 1, "slow": 1}
    assert table["b"] == {"nan": 1, "-": 1}
    assert table["well"] == {"-": 2, "slow": 1}


def test_the_last_validation_of_a_history_counts(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text('{"status": "ok"}')
    (tmp_path / "history.csv").write_text("step,val/acc,val/loss\n1,.5,1\n2,.7,.9\n3,,\n")
    (tmp_path / "metrics.json").write_text('{"test/acc": 0.6}')
    end = scoring.end_of(tmp_path)
    assert (end.status, end.last) == ("ok", {"val/acc": 0.7, "val/loss": 0.9})
    assert end.score("test", "acc") == 0.6
    assert scoring.end_of(tmp_path / "none").status == "refused"


def test_there_are_enough_kinds_and_the_split_names_real_ones() -> None:
    assert len(cases.FAULTS) >= 30
    assert len(healthy.HEALTHY) >= 20
    assert not cases.FAULTS.keys() & healthy.HEALTHY.keys()
    assert cases.FAULTS.keys() | healthy.HEALTHY.keys() >= cases.HELD_OUT
    assert {fault.control for fault in cases.FAULTS.values()} <= healthy.HEALTHY.keys()
    for names in (cases.FAULTS, healthy.HEALTHY):
        share = len(cases.HELD_OUT & names.keys()) / len(names)
        assert 0.2 < share < 0.5
    assert cases.held_out("batch_2", 0)
    assert cases.held_out("adam", 2)
    assert not cases.held_out("adam", 1)


@pytest.fixture(scope="module", autouse=True)
def schema() -> None:
    config.register()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*healthy.HEALTHY, *cases.FAULTS])
def test_the_gate_lets_every_kind_through(kind: str) -> None:
    words = [*cases.merged(cases.words_of(kind), healthy.QUIET), "seed=1"]
    with trust.trusting(["faults"]):
        (cfg,) = door.checked(Command.read(words))
    assert cfg.data["_target_"].startswith("faults.")


def test_the_last_word_about_a_key_stands() -> None:
    assert cases.merged(("a=1", "b=1"), ("a=2", "+c=1"), ("~b", "c=2")) == ("a=2", "c=2")


def found(n: int = 200, classes: int = 4) -> dict[str, Batch]:
    g = torch.Generator().manual_seed(0)
    y = torch.arange(n) % classes
    return {k: Batch(torch.rand(n, 6, generator=g), y) for k in ("train", "val", "test")}


def spoilt(kind: str, strength: float) -> dict[str, Batch]:
    return spoil.SPOIL[kind](found(), strength, torch.Generator().manual_seed(1))


def changed(kind: str, strength: float = 0.5) -> set[str]:
    """Return which splits a fault changes."""
    before, after = found(), spoilt(kind, strength)
    return {name for name in after if not equal(after[name], before[name])}


def equal(a: Batch, b: Batch) -> bool:
    return a.x.shape == b.x.shape and torch.equal(a.x, b.x) and torch.equal(a.y, b.y)


@pytest.mark.parametrize(
    ("kind", "splits"),
    [
        ("holes", {"train"}),
        ("times", {"train", "val", "test"}),
        ("shuffled", {"train"}),
        ("noisy", {"train", "val"}),
        ("off_by_one", {"val"}),
        ("sorted", {"train"}),
        ("duplicates", {"val"}),
        ("inverted", {"val"}),
        ("imbalance", {"train"}),
        ("constant", {"train", "val", "test"}),
    ],
)
def test_a_fault_touches_the_splits_that_it_says(kind: str, splits: set[str]) -> None:
    assert changed(kind) == splits


def test_faults_are_as_strong_as_they_say() -> None:
    before = found()
    assert spoilt("holes", 0.1)["train"].x.isnan().float().mean() == pytest.approx(0.1, abs=0.03)
    wrong = spoilt("noisy", 0.8)["train"].y != before["train"].y
    assert wrong.float().mean() == pytest.approx(0.6, abs=0.1)  # a quarter is right by chance
    counts = spoilt("imbalance", 0.9)["train"].y.bincount(minlength=4)
    assert counts[0] / counts.sum() == pytest.approx(0.9, abs=0.02)
    val, train = spoilt("duplicates", 0.5)["val"], before["train"]
    twins = (val.x[:, None] == train.x[None]).all(-1).any(1)
    assert twins.float().mean() == 0.5
    assert torch.equal(spoilt("shuffled", 1)["train"].y.bincount(), before["train"].y.bincount())
    assert (spoilt("off_by_one", 1)["val"].y == (before["val"].y + 1) % 4).all()
    assert torch.allclose(spoilt("inverted", 1)["val"].x, before["train"].x.max() - before["val"].x)


def growing(*steps: float) -> Case:
    return Case({"train/loss": Curve(np.array(steps), np.array(steps))}, {"total": 20.0})


def test_only_what_was_known_by_then_is_looked_at() -> None:
    cut = replay.until(growing(1, 5, 9), 5)
    assert cut.curves["train/loss"].steps.tolist() == [1, 5]
    assert not replay.until(growing(1, 5, 9), 0.5).curves


def test_live_counts_what_is_ill_in_two_looks_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    ill_at = {"slow": {4, 6, 8, 10, 11}, "nan": {7}, "dead": set(range(2, 21, 2))}

    def examine(case: Case) -> list[Finding]:
        now = case.curves["train/loss"].steps[-1]
        return [Finding(k, "warn" if now in v else "pass", "") for k, v in ill_at.items()]

    monkeypatch.setattr(replay, "examine", examine)
    found = replay.live(growing(*range(1, 21)))
    assert found == {"nan": 7 / 20, "slow": 11 / 20}


def test_a_verdict_takes_its_part_of_what_was_said() -> None:
    said = replay.Said(("unnormalised",), {"nan": 0.2}, ("still_improving",))
    one = {part: replay.verdict("nan_inputs", 0, said, part) for part in tables.PARTS}
    assert {k: v.said for k, v in one.items()} == {
        "preflight": ("unnormalised",),
        "live": ("nan",),
        "both": ("unnormalised", "nan"),
        "told": ("unnormalised", "nan", "still_improving"),
    }
    assert [one[part].hit for part in ("preflight", "live", "both")] == [False, True, True]
    assert one["live"].first == 0.2
    assert math.isnan(one["preflight"].first)


def finding(level: Level, symptom: str, *remedies: tuple[str, ...]) -> Finding:
    return Finding(symptom, level, "it is so", "a cause", remedies)


def test_the_worst_finding_that_proposes_something_is_followed() -> None:
    known = [
        finding("info", "a", ("x=1",)),
        finding("warn", "b"),
        finding("warn", "c", ("y=2", "z=3"), ("y=4",)),
    ]
    words = ["y=1", "w=0"]
    assert list(remedies.proposals(known, words)) == [
        ("c: y=2 z=3", ["w=0", "y=2", "z=3"]),
        ("c: y=4", ["w=0", "y=4"]),
    ]
    assert list(remedies.proposals(known[:2], words)) == [("a: x=1", ["y=1", "w=0", "x=1"])]
    assert list(remedies.proposals(known[1:2], words)) == []
    follows = Finding("d", "info", "it is so", "follows from c", (("v=1",),))
    assert list(remedies.proposals([follows], words)) == []


def test_recovery_counts_the_runs_for_which_something_was_proposed() -> None:
    found = {
        "head/0": [("x", 0.4)],
        "head/1": [("x", 5.0), ("y", 0.9)],
        "clip/0": [("x", 2.0), ("y", 1.5)],
        "noisy/0": [("x", math.nan)],  # refused
        "clip/1": [],
    }
    lines = tables.healing(found).splitlines()
    assert "for 1 of 5 runs" in lines[-6]
    assert [line.partition("%")[0] for line in lines[-5:]] == [
        "recovered in one step: 1/4 = 25.0 ",
        "recovered within two: 2/4 = 50.0 ",
        "of those that a setting can cure, labels and splits left out:",
        "recovered in one step: 1/3 = 33.3 ",
        "recovered within two: 2/3 = 66.7 ",
    ]


@pytest.mark.parametrize(
    ("kind", "curable"),
    [("clip", True), ("times_255", True), ("noisy", False), ("leak_adam", False), ("dead", True)],
)
def test_no_setting_cures_labels_and_splits(kind: str, curable: bool) -> None:
    assert cases.FAULTS[kind].curable == curable


def test_the_report_keeps_what_was_tuned_on_apart() -> None:
    verdicts = [
        Verdict("rate_x100", 0, ("nan",), ("nan",), 0.1),
        Verdict("rate_x100", 3, ("nan",), ()),
        Verdict("batch_2", 0, ("slow",), ("slow",), 0.3),
        Verdict("adam", 0, (), ()),
        Verdict("lion", 0, (), ("slow",)),
    ]
    text = tables.report(dict.fromkeys(tables.PARTS, verdicts), [])
    rows = {
        (c[1].strip(), c[2].strip()): c
        for c in (r.split("|") for r in text.splitlines() if r.count("|") == 6)
    }
    assert rows["both", "tuned on"][3].strip().startswith("1/1")
    assert rows["both", "other seeds"][3].strip().startswith("0/1")
    assert rows["both", "other kinds"][3].strip().startswith("1/1")
    assert rows["both", "held out"][3].strip().startswith("1/2")
    assert rows["both", "tuned on"][5].strip().startswith("0/1")
    assert rows["both", "held out"][5].strip().startswith("1/1")
    assert "lion/0: slow" in text
