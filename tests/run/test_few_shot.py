"""Episodes and codes by the command line: on two processes, tested again, refused."""

import json
from pathlib import Path
from typing import Any

import pair
import pytest
import torch
from conftest import Ended, Train

from seedbed.run.load import load

QUIET = ["trainer.enable_progress_bar=false", "trainer.log_every_n_steps=1", "logger=csv"]
TINY = [*QUIET, "trainer.max_epochs=1", "model=mlp", "model.widths=[16]", "callback=[ema]"]
FEW = [
    *("data=episodes", "data.shots=1", "data.queries=3", "data.batch_size=3", *TINY),
    *("data.episodes=14", "data.val_episodes=7", "data.test_episodes=11"),
]
ZERO = [
    *("data=digits", "data.unseen=[8,9]", "data.val_unseen=[3]", "data.batch_size=32"),
    *("task=zero_shot", *TINY),
]
EXACT = ["trainer.precision=64-true", "optimizer=sgd", "optimizer.lr=0.01", "scheduler=constant"]


def metrics(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.slow
def test_two_processes_learn_and_measure_what_one_does(tmp_path: Path) -> None:
    jobs = {
        "prototypical": [*FEW, *EXACT, "task=prototypical", "stages=[fit,test]"],
        "siamese": [*FEW, *EXACT, "task=siamese", "stages=[fit,test]"],
        "zero_shot": [*ZERO, *EXACT, "stages=[fit,test]"],
    }
    pair.both(jobs, tmp_path)
    for name in jobs:
        one, two = (metrics(tmp_path / name / count) for count in "12")
        assert one.keys() == two.keys()
        assert {k: v for k, v in two.items() if k != "time/epoch"} == pytest.approx(
            {k: v for k, v in one.items() if k != "time/epoch"}, rel=1e-9, abs=1e-9, nan_ok=True
        )
        a, b = (pair.learned(tmp_path / name / count) for count in "12")
        for key in a:
            torch.testing.assert_close(b[key], a[key], rtol=0, atol=1e-12)


@pytest.mark.slow
def test_a_run_is_tested_again_with_fewer_examples_of_a_class(train: Train) -> None:
    ended = train(*FEW, "trainer=cpu", "task=siamese")
    assert ended.code == 0, ended.err
    first = metrics(ended.folder)
    assert {"test/acc", "test/interval", "val/acc", "val/loss"} <= first.keys()
    assert train(f"run={ended.folder}", "stages=test").code == 0
    assert metrics(ended.folder)["test/acc"] == first["test/acc"]
    again = train(f"run={ended.folder}", "stages=test", "data.shots=4")
    assert again.code == 0, again.err
    model, spec = load(ended.folder)
    assert spec.outputs == 0
    assert model(torch.zeros(3, 1, 8, 8)).shape == (3, 16)  # what the head would be given


@pytest.mark.slow
def test_a_head_of_its_own_makes_embeddings_of_that_size(train: Train) -> None:
    ended = train(*FEW, "trainer=cpu", "task=prototypical", "task.dim=6", "stages=fit")
    assert ended.code == 0, ended.err
    assert load(ended.folder).model(torch.zeros(3, 1, 8, 8)).shape == (3, 6)


@pytest.mark.slow
def test_a_model_of_codes_scores_classes_everywhere(train: Train) -> None:
    ended = train(*ZERO, "trainer=cpu", "stages=[fit,test,predict]")
    assert ended.code == 0, ended.err
    found = metrics(ended.folder)
    assert {"test/unseen/acc", "test/seen/acc", "test/generalized/harmonic"} <= found.keys()
    model, spec = load(ended.folder)
    assert model(torch.zeros(3, 1, 8, 8)).shape == (3, 10)
    assert model.get_parameter("model.head.weight").shape == (7, 16)
    assert spec.coded
    head = (ended.folder / "predictions.csv").read_text().splitlines()[0]
    assert head.startswith("index,target,prediction,p(0)")
    assert head.endswith("p(9)")
    assert train(f"run={ended.folder}", "stages=test").code == 0
    assert metrics(ended.folder) == found


REFUSED = {
    "data=episodes": "data=episodes: needs task=prototypical or task=siamese",
    "task=siamese": "task=siamese: learns from episodes; use data=episodes",
    "task=zero_shot": "task: the data has no unseen classes; name some with data.unseen",
    "task=zero_shot data=synthetic": "task: the data has no codes of its classes; set data.codes",
    "task=zero_shot data.unseen=[0,1,2,3,4,5,6,7,8,9]": "data: unseen=[0, 1, 2, 3, 4, 5, 6, 7, 8",
    "task=zero_shot data.unseen=[1] data.codes=[[0,1],[1,0]]": "data: codes: 2 for 10 classes",
    "task=prototypical data=episodes data.ways=1": "data: ways must be at least 2, got 1",
    "task=prototypical data=episodes data.ways=6": "data: ways=6: the train split has 5 classes",
    "task=prototypical data=episodes data.shots=200": "data: class 0 has ",
    "task=prototypical data=episodes data.val_unseen=[5]": "data: val_unseen and unseen share",
    "task=prototypical data=episodes task.dim=1": "task: dim must be at least 2",
    "task=prototypical data=episodes loss=mse": "loss: MSELoss needs real numbers",
    "task=prototypical data=episodes regularizer=mixup": "regularizer: mixup, cutmix and label",
    "task=prototypical data=episodes stages=[fit,predict]": "stages=[fit,predict]: predict needs",
    "task=prototypical data=episodes stages=[fit,compress] compress=dynamic": "stages=[fit,comp",
    "task=siamese data=episodes loss.label_smoothing=.1": "task: siamese has a loss of its own",
}


@pytest.mark.slow
@pytest.mark.parametrize("words", REFUSED)
def test_a_mistake_is_one_line_before_any_training(words: str, train: Train) -> None:
    ended: Ended = train(*words.split(), *QUIET, "trainer=cpu")
    assert ended.code == 2
    assert len(ended.lines()) == 1
    assert ended.err.startswith(REFUSED[words])
