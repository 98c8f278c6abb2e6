"""`model=ensemble`: finished runs answer together, from the command line."""

import csv
import json
from pathlib import Path

import pytest
import torch
from conftest import TINY, Train

import seedbed
from seedbed.data.synthetic import Synthetic

ENSEMBLE = ["data=synthetic", "data.size=60", "trainer=cpu", "trainer.enable_progress_bar=false"]


def numbers(folder: Path) -> dict[str, float]:
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.slow
def test_two_runs_together(train: Train) -> None:
    one = train(*TINY, "scaling=minmax", "optimizer.lr=0.02").folder
    two = train(*TINY, "model=linear", "~model.widths", "seed=5", "optimizer.lr=0.1").folder
    words = ["model=ensemble", f"model.runs=[{one},{two}]", "stages=[test,predict,report]"]
    ended = train(*ENSEMBLE, *words)
    assert ended.code == 0, ended.err
    both = numbers(ended.folder)
    assert set(both) == {"test/loss", "test/acc", "test/f1", "test/confidence"}
    assert ["test/acc", f"{both['test/acc']:.4f}"] in [
        line.split() for line in ended.out.split("\n")
    ]
    assert (ended.folder / "report.html").is_file()
    members = [numbers(each)["test/loss"] for each in (one, two)]
    assert both["test/loss"] < sum(members) / 2 - 1e-4

    data = Synthetic(size=60)
    data.setup()
    x, _, *_ = data.splits["test"]
    with torch.no_grad():
        p = sum(seedbed.load(each).model(x).softmax(-1) for each in (one, two)) / 2
    assert isinstance(p, torch.Tensor)
    with (ended.folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    written = torch.tensor([[float(row[f"p({c})"]) for c in range(3)] for row in rows])
    torch.testing.assert_close(written, p, atol=1e-5, rtol=1e-5)

    again = train(f"run={ended.folder}", "stages=test")
    assert again.code == 0, again.err
    assert numbers(next((ended.folder / "reruns").iterdir())) == both


@pytest.mark.slow
def test_one_run_alone_is_that_run(train: Train) -> None:
    member = train(*TINY).folder
    ended = train(*ENSEMBLE, "model=ensemble", f"model.runs=[{member}]", "stages=test")
    assert ended.code == 0, ended.err
    for name in ("test/loss", "test/acc"):
        assert numbers(ended.folder)[name] == pytest.approx(numbers(member)[name], abs=1e-6)


@pytest.mark.slow
def test_values_are_averaged_in_the_units_of_the_data(train: Train) -> None:
    plane = ["data.form=plane", "loss=mse"]
    member = train(*TINY, *plane).folder
    words = [*plane, "model=ensemble", f"model.runs=[{member}]", "stages=test"]
    ended = train(*ENSEMBLE, *words)
    assert ended.code == 0, ended.err
    for name in ("test/rmse", "test/mae", "test/r2"):
        assert numbers(ended.folder)[name] == pytest.approx(numbers(member)[name], abs=1e-5)


@pytest.mark.slow
def test_runs_that_cannot_answer_are_one_line(train: Train) -> None:
    member = train(*TINY).folder
    asked = [*ENSEMBLE, "model=ensemble", f"model.runs=[{member}]"]
    for words, says in (
        (["data.features=5"], f"model: runs: {member} takes inputs of shape (2,), the data has"),
        (["data.num_classes=4"], f"model: runs: {member} knows the classes 0, 1, 2, the data has"),
        (["data.form=plane", "loss=mse"], f"model: runs: {member} predicts a class, the data has"),
    ):
        ended = train(*asked, "stages=test", *words)
        assert ended.code == 2
        assert ended.lines() == [line for line in ended.lines() if line.startswith(says)]
    (member / "checkpoints/best.ckpt").write_bytes(b"nonsense")
    ended = train(*asked, "stages=test")
    assert ended.code == 2
    assert len(ended.lines()) == 1
    assert "best.ckpt: damaged" in ended.err
