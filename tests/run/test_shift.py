"""Adaptation by the command line: what it may see, what it changes, and what it leaves."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Train

from seedbed.data.digits import Digits
from seedbed.types import Batch

pytestmark = pytest.mark.slow

DOMAINS = [
    *("data=domains", "data.sources=[digits]", "data.target=digits:invert3", "data.size=8"),
    *("data.fraction=0.2", "model=cnn", "model.channels=[4]", "model.hidden=16"),
    *("model.norm=batch", "trainer=cpu", "trainer.max_epochs=2", "logger=csv"),
    "trainer.enable_progress_bar=false",
]
PLAIN = [
    *("data=digits", "data.fraction=0.2", "model=cnn", "model.channels=[4]", "model.hidden=16"),
    *("model.norm=batch", "trainer=cpu", "trainer.max_epochs=1", "logger=csv"),
    *("trainer.enable_progress_bar=false", "data.corruptions=[noise,invert]"),
]


def metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text())


def saved(run: Path, name: str = "best") -> dict[str, torch.Tensor]:
    return torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)["state_dict"]


def rerun(run: str) -> dict[str, float]:
    """Return what the newest later command on a run has measured."""
    found = sorted(Path(run).glob("reruns/*/metrics.json"), key=lambda p: p.stat().st_mtime_ns)
    return json.loads(found[-1].read_text())


def permuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the targets of every digit but the source's lie: those of the second reading."""
    whole, calls = Digits.read, []

    def read(self: Any) -> tuple[Batch, Batch]:
        calls.append(self)
        if len(calls) == 1:  # the source is read first
            return whole(self)
        train, test = whole(self)
        return train._replace(y=train.y.flip(0)), test._replace(y=test.y.flip(0))

    monkeypatch.setattr(Digits, "read", read)


@pytest.mark.parametrize("names", ["coral,dann,mmd", "adabn"])
def test_no_target_of_the_target_reaches_the_weights(
    names: str, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(*DOMAINS, f"regularizer=[{names}]", "out=honest").code == 0
    with monkeypatch.context() as patch:
        permuted(patch)
        assert train(*DOMAINS, f"regularizer=[{names}]", "out=lies").code == 0
    for name in ("best", "last"):
        one, other = saved(Path("honest"), name), saved(Path("lies"), name)
        assert one.keys() == other.keys()
        assert all(torch.equal(v, other[k]) for k, v in one.items())
    assert metrics(Path("honest"))["test/loss"] != metrics(Path("lies"))["test/loss"]  # they do lie


def test_labels_of_the_target_that_are_shown_do(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*DOMAINS, "data.target_labels=2"]
    assert train(*words, "out=honest").code == 0
    with monkeypatch.context() as patch:
        permuted(patch)
        assert train(*words, "out=lies").code == 0
    one, other = saved(Path("honest")), saved(Path("lies"))
    assert not all(torch.equal(v, other[k]) for k, v in one.items())


def test_what_targets_tell_may_choose_if_that_is_said(train: Train) -> None:
    words = [*DOMAINS, "monitor.name=oracle/acc", "scheduler=plateau"]
    refused = train(*words)
    assert refused.code == 2
    assert refused.err.startswith("monitor.name=oracle/acc: it is measured by targets that")
    assert len(refused.lines()) == 1
    chosen = train(*words, "monitor.oracle=true", "checkpoint.top_k=2", "out=chosen")
    assert chosen.code == 0, chosen.err
    content = torch.load("chosen/checkpoints/best.ckpt", weights_only=True)
    (kept,) = (s["kept"] for s in content["callbacks"].values() if "kept" in s)
    assert metrics(Path("chosen"))["oracle/acc"] == pytest.approx(kept[0][0])
    assert kept[0][0] >= kept[-1][0]


def test_by_default_the_oracle_s_numbers_are_those_of_the_best_epoch(train: Train) -> None:
    ended = train(*DOMAINS, "trainer.max_epochs=4", "optimizer.lr=0.05", "scheduler=constant")
    rows = [r.split(",") for r in (ended.folder / "history.csv").read_text().splitlines()]
    val, oracle = rows[0].index("val/loss"), rows[0].index("oracle/acc")
    losses = [float(r[val]) for r in rows[1:] if r[val]]
    oracles = [float(r[oracle]) for r in rows[1:] if r[oracle]]
    assert metrics(ended.folder)["oracle/acc"] == oracles[losses.index(min(losses))]


@pytest.mark.parametrize("name", ["test_bn", "tent"])
def test_a_finished_run_is_adapted_while_it_is_tested(name: str, train: Train) -> None:
    assert train(*PLAIN, "callback=[]", "out=plain").code == 0
    before = Path("plain/checkpoints/best.ckpt").read_bytes()
    again = train("run=plain", "stages=[test,predict]", f"callback=[{name}]")
    assert again.code == 0, again.err
    adapted = rerun("plain")
    assert adapted["test/noise/loss"] != metrics(Path("plain"))["test/noise/loss"]
    assert Path("plain/checkpoints/best.ckpt").read_bytes() == before
    assert train(*PLAIN, f"callback=[{name}]", "out=whole").code == 0
    whole = metrics(Path("whole"))
    assert {k: v for k, v in adapted.items() if k.startswith("test/")} == {
        k: v for k, v in whole.items() if k.startswith("test/")
    }
    assert all(torch.equal(v, saved(Path("plain"))[k]) for k, v in saved(Path("whole")).items())
    plain = train("run=plain", "stages=test", "callback=[]")
    assert plain.code == 0
    for key, value in rerun("plain").items():
        if key.startswith("test/"):
            assert value == metrics(Path("plain"))[key]


def test_predictions_are_those_of_the_adapted_model(train: Train) -> None:
    assert train(*PLAIN, "stages=fit", "out=run", "data.batch_size=360").code == 0
    files = []
    for words in ("callback=[]", "callback=[test_bn]"):
        assert train("run=run", "stages=[test,predict]", words).code == 0
        (file,) = set(Path("run").rglob("predictions.csv")) - set(files)
        files.append(file)
    plain, adapted = (f.read_text().splitlines()[1:] for f in files)
    assert plain != adapted
    hits = sum(r.split(",")[1] == r.split(",")[2] for r in adapted) / len(adapted)
    assert hits == pytest.approx(rerun("run")["test/acc"])  # the test split in one batch, too


def test_normalised_by_domain_a_source_is_itself_and_the_target_as_well(train: Train) -> None:
    words = [*DOMAINS, "trainer.max_epochs=6", "data.fraction=1.0", "callback=[]"]
    words += ["optimizer.lr=0.01", "data.batch_size=32", "data.target=digits:contrast4"]
    assert train(*words, "regularizer=[adabn]", "out=adabn").code == 0
    assert train(*words, "data.use_target=false", "out=source").code == 0
    adabn, source = metrics(Path("adabn")), metrics(Path("source"))
    assert adabn["val/acc"] > 0.85
    assert adabn["test/digits/acc"] > 0.85
    assert adabn["test/acc"] > source["test/acc"] + 0.2


def test_a_run_is_tested_on_worse_images_than_it_learned_from(train: Train) -> None:
    ended = train(*PLAIN, "data.corruptions=[]")
    assert ended.code == 0, ended.err
    again = train(f"run={ended.folder}", "stages=test", "data.corruptions=[noise,invert]")
    assert again.code == 0, again.err
    assert {"test/noise/acc", "test/invert/acc"} <= rerun(str(ended.folder)).keys()
    learns = train(f"run={ended.folder}", "data.corruptions=[noise]", "trainer.max_epochs=2")
    assert learns.code == 2
    assert learns.err.startswith("data.corruptions=")
