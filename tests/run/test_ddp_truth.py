"""Two processes learn, measure and predict what one does; real processes that talk by gloo."""

import csv
import json
from pathlib import Path

import pair
import pytest
import torch

from seedbed.data.synthetic import Synthetic

pytestmark = pytest.mark.slow

SMALL = ["data=synthetic", "model=mlp", "model.widths=[8]", "logger=csv"]
QUIET = ["trainer.enable_progress_bar=false", "trainer.log_every_n_steps=1", "callback=[]"]
COMMON = [*SMALL, *QUIET, "optimizer.lr=0.05", "trainer.precision=64-true", "scheduler=constant"]
LEARN = [*COMMON, "data.batch_size=5", "trainer.max_epochs=2", "stages=fit"]
STEPS = ["trainer.max_epochs=-1", "trainer.max_steps=8"]
EVEN = ["data.size=64"]  # 40 training examples: global batches of 10
UNEVEN = ["data.size=72"]  # 45: the last global batch of 5 is shared as 3 and 2
JOBS = {
    "even": [*LEARN, *STEPS, *EVEN, "optimizer=sgd"],
    "uneven": [*LEARN, *STEPS, *UNEVEN, "optimizer=sgd"],
    "single": [*LEARN, *STEPS, *UNEVEN, "optimizer=sgd", "trainer.precision=32-true"],
    "momentum": [*LEARN, *STEPS, *UNEVEN, "optimizer=momentum", "scheduler=cosine"],
    "adamw": [*LEARN, *STEPS, *UNEVEN, "optimizer=adamw", "optimizer.weight_decay=0.1"],
    "all": [
        *(*LEARN, *STEPS, *UNEVEN, "optimizer=sgd", "regularizer=[l1,l2,label_smoothing]"),
        *("regularizer.l1.coef=0.01", "regularizer.l2.coef=0.1", "trainer.max_epochs=3"),
        *("callback=[gradient_clip,ema]", "callback.gradient_clip.threshold=0.1"),
    ],
    "accumulated": [*LEARN, *UNEVEN, "optimizer=sgd", "trainer.accumulate_grad_batches=2"],
    "left over": [*LEARN, *UNEVEN, "optimizer=sgd", "trainer.accumulate_grad_batches=3"],
    "weighted": [
        *(*LEARN, *STEPS, *UNEVEN, "optimizer=sgd", "loss=cross_entropy"),
        "loss.class_weight=[1,3,10]",
    ],
    "values": [*LEARN, *STEPS, *UNEVEN, "optimizer=sgd", "data.form=plane"],
}
MEASURE = [*COMMON, "optimizer=sgd", "data.size=65", "data.batch_size=3", "trainer.max_epochs=1"]
MEASURED = {  # 13 test and 11 validation examples
    "classes": [*MEASURE, "stages=[fit,test,predict]"],
    "two classes": [*MEASURE, "stages=[fit,test]", "data.form=moons"],
    "weighted classes": [*MEASURE, "stages=[fit,test]", "loss.class_weight=[1,3,10]"],
    "numbers": [*MEASURE, "stages=[fit,test,predict]", "data.form=plane"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pair")
    pair.both(JOBS | {f"measured {k}": v for k, v in MEASURED.items()}, made)
    return made


@pytest.mark.parametrize(("size", "train"), [(64, 40), (72, 45), (65, 41)])
def test_the_sizes_are_those_that_the_jobs_need(size: int, train: int) -> None:
    data = Synthetic(size=size)
    data.setup()
    assert len(data.splits["train"].y) == train
    assert len(data.splits["test"].y) == {64: 13, 72: 15, 65: 13}[size]


OWN = {f"doctor/{name}" for name in ("dead", "saturated", "mixed", "loss")}  # of its own examples


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return [{k: v for k, v in row.items() if k not in OWN} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", JOBS)
def test_two_processes_learn_what_one_does(name: str, folder: Path) -> None:
    one, two = (pair.learned(folder / name / count) for count in "12")
    assert one.keys() == two.keys()
    within = 1e-6 if name == "single" else 1e-12
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=0, atol=within)


@pytest.mark.parametrize("name", JOBS)
def test_their_history_is_that_of_one(name: str, folder: Path) -> None:
    one, two = (table(folder / name / count / "history.csv") for count in "12")
    assert len(one) == len(two) > 1
    for alone, shared in zip(one, two, strict=True):
        assert alone.keys() == shared.keys()
        for key in alone:
            then, now = alone[key] or "nan", shared[key] or "nan"
            within = 1e-5 if name == "single" else 1e-11
            assert float(now) == pytest.approx(float(then), rel=within, nan_ok=True), key


@pytest.mark.parametrize("name", MEASURED)
def test_13_examples_are_measured_as_by_one_process(name: str, folder: Path) -> None:
    files = [folder / f"measured {name}" / count / "metrics.json" for count in "12"]
    one, two = (json.loads(file.read_text()) for file in files)
    kinds = {
        "classes": ["loss", "acc", "f1", "confidence"],
        "two classes": ["loss", "acc", "f1", "confidence", "auroc"],
        "weighted classes": ["loss", "acc", "f1", "confidence"],
        "numbers": ["loss", "mae", "rmse", "r2"],
    }
    names = [f"{split}/{kind}" for split in ("val", "test") for kind in kinds[name]]
    assert set(names) <= one.keys() == two.keys()
    for key in one:
        assert one[key] is not None
        assert two[key] == pytest.approx(one[key], rel=1e-12), key
        if key.endswith(("/acc", "/f1", "/auroc", "/epoch")):
            assert two[key] == one[key]
    if "test/acc" in one:
        assert one["test/acc"] * 13 == pytest.approx(round(one["test/acc"] * 13), abs=1e-6)


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_predictions_of_two_processes_hold_every_row_once_and_in_order(
    name: str, folder: Path
) -> None:
    files = [folder / f"measured {name}" / count / "predictions.csv" for count in "12"]
    one, two = map(table, files)
    assert [row["index"] for row in two] == [str(k) for k in range(13)]
    assert [row["target"] for row in two] == [row["target"] for row in one]
    for alone, shared in zip(one, two, strict=True):
        for key in alone:
            assert float(shared[key]) == pytest.approx(float(alone[key]), rel=1e-9)
