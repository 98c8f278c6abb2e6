"""`model=exported`: an exported file answers in place of a run's model, from the command line."""

import csv
import json
from pathlib import Path

import pytest
import torch
from conftest import TINY, Train

import seedbed
from seedbed.compress._export import to_onnx

pytest.importorskip("onnxruntime")

DATA = ["data=synthetic", "data.size=60", "trainer=cpu", "trainer.enable_progress_bar=false"]


def numbers(folder: Path) -> dict[str, float]:
    return json.loads((folder / "metrics.json").read_text())


def export(folder: Path, name: str) -> str:
    loaded = seedbed.load(folder)
    Path(name).write_bytes(to_onnx(loaded.model, torch.zeros(2, 2), loaded.spec))
    return name


def rows(folder: Path) -> list[list[str]]:
    with (folder / "predictions.csv").open() as file:
        return list(csv.reader(file))


@pytest.mark.slow
def test_a_file_answers_as_the_run_does_alone_and_in_its_folder(train: Train) -> None:
    words = ["scaling=minmax", "regularizer=[dropout,l1]", "init=he", "stages=[fit,test,predict]"]
    run = train(*TINY, *words).folder
    file = export(run, "small.onnx")
    asked = ["model=exported", f"model.file={file}", "stages=[test,predict]"]
    alone = train(*DATA, *asked)
    assert alone.code == 0, alone.err
    inside = train(f"run={run}", *asked)
    assert inside.code == 0, inside.err
    again = next((run / "reruns").iterdir())
    for folder in (alone.folder, again):
        for name in ("test/loss", "test/acc", "test/f1", "test/confidence"):
            assert numbers(folder)[name] == pytest.approx(numbers(run)[name], abs=1e-5)
        for ours, theirs in zip(rows(folder)[1:], rows(run)[1:], strict=True):
            assert ours[:3] == theirs[:3]
            assert [*map(float, ours[3:])] == pytest.approx([*map(float, theirs[3:])], abs=1e-4)


@pytest.mark.slow
def test_values_come_in_the_units_of_the_data(train: Train) -> None:
    plane = ["data.form=plane", "loss=mse", "target_scaling=standard"]
    run = train(*TINY, *plane).folder
    words = ["model=exported", f"model.file={export(run, 'plane.onnx')}", "stages=test"]
    ended = train(*DATA, *plane, *words)
    assert ended.code == 0, ended.err
    for name in ("test/rmse", "test/mae", "test/r2"):
        assert numbers(ended.folder)[name] == pytest.approx(numbers(run)[name], abs=1e-4)


@pytest.mark.slow
def test_what_cannot_answer_is_one_line(train: Train) -> None:
    run = train(*TINY).folder
    file = export(run, "small.onnx")
    Path("broken.onnx").write_bytes(Path(file).read_bytes()[:-1500])
    Path("small.pt2").write_bytes(b"PK")
    asked = [*DATA, "model=exported", "stages=test"]
    for words, says in (
        ([], "model: file must name an exported model"),
        (["model.file=nope.onnx"], "model: file: nope.onnx: No such file"),
        (["model.file=broken.onnx"], "model: file: broken.onnx: not a model that ONNX Runtime can"),
        (["model.file=small.pt2"], "model: file: small.pt2: reading a .pt2 can run code that is"),
        (["model.file=http://x.example/a.onnx"], "model.file=http://x.example/a.onnx: a file or"),
        ([f"model.file={file}", "data.features=5"], f"model: file: {file} takes inputs of shape"),
        ([f"model.file={file}", "data.num_classes=4"], f"model: file: {file} knows the classes"),
        ([f"model.file={file}", "init=he"], "init=[he] with model=exported: it is trained already"),
    ):
        ended = train(*asked, *words)
        assert ended.code == 2
        assert ended.lines() == [line for line in ended.lines() if line.startswith(says)]
    ended = train(*DATA, "model=exported", f"model.file={file}")
    assert "model=exported: it is trained already; say stages=[test,predict]" in ended.err
    ended = train(f"run={run}", "trainer.max_epochs=2", "stages=fit", "model=exported")
    assert ended.code == 2
    ended = train(f"run={run}", "stages=test", "model=linear")
    assert "was trained with MLP" in ended.err
