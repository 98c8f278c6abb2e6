"""What is frozen stays so through whole commands: two processes, an interruption, a test."""

from pathlib import Path

import pair
import pytest
import torch
from conftest import TINY, Train
from torch import Tensor

from seedbed import config
from seedbed.command import Command
from seedbed.door import checked
from seedbed.run.build import build

BASE = [
    *("data=digits", "data.fraction=0.05", "model=cnn", "trainer=cpu"),
    *("model.channels=[4,4]", "model.hidden=8", "logger=csv", "trainer.enable_progress_bar=false"),
    *("stages=fit", "trainer.max_epochs=5", "optimizer.lr=0.05"),
]
HOSTILE = [
    *("model.norm=batch", "optimizer=adamw", "optimizer.weight_decay=0.3"),
    *("regularizer=l1", "regularizer.l1.proximal=true", "regularizer.l1.coef=0.5"),
    "callback=[finetune,ema]",
]
EXACT = ["callback=finetune", "optimizer=sgd", "trainer.precision=64-true", "scheduler=constant"]
EXACT += ["model.dropout=0"]  # processes draw masks of their own
JOBS = {
    "probe": [*BASE, *HOSTILE, "callback.finetune.mode=probe"],
    "gradual": [*BASE, *HOSTILE, "callback.finetune.mode=gradual"],
    "as one probe": [*BASE, *EXACT, "callback.finetune.mode=probe"],
    "as one gradual": [*BASE, *EXACT, "callback.finetune.mode=gradual"],
    "as one slow": [*BASE, *EXACT, "callback.finetune.backbone_rate=0.2"],
}


def first(words: list[str], out: Path) -> dict[str, Tensor]:
    """Return the state that a command starts from."""
    config.register()
    [cfg] = checked(Command.read(words))
    task = build(cfg, out).task
    return {name: value.clone() for name, value in task.state_dict().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    moved = {n for n in before if not torch.equal(before[n].cpu(), after[n].cpu())}
    return {name.removeprefix("model.model.") for name in moved}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("finetune")
    pair.both({k: [*words, "data.batch_size=8"] for k, words in JOBS.items()}, made)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_probe_trains_the_head_alone(processes: str, folder: Path) -> None:
    start = first(JOBS["probe"], folder)
    learned = pair.learned(folder / "probe" / processes)
    assert changed(start, learned) == {"head.weight", "head.bias"}


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "2"])
def test_gradual_trains_all_of_it_in_the_end(processes: str, folder: Path) -> None:
    start = first(JOBS["gradual"], folder)
    moved = changed(start, pair.learned(folder / "gradual" / processes))
    assert moved == {n.removeprefix("model.model.") for n in start if ".model." in n}


@pytest.mark.slow
@pytest.mark.parametrize("job", [name for name in JOBS if name.startswith("as one")])
def test_two_processes_learn_what_one_does(job: str, folder: Path) -> None:
    one, two = (pair.learned(folder / job / n) for n in "12")
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_an_interrupted_probe_goes_on_as_one(train: Train) -> None:
    assert train(*JOBS["probe"], "trainer.max_epochs=2", "out=r").code == 0
    start = first(JOBS["probe"], Path("r"))
    again = train("run=r", "trainer.max_epochs=4")
    assert again.code == 0, again.err
    saved = torch.load("r/checkpoints/last.ckpt", weights_only=True)
    assert changed(start, saved["state_dict"]) == {"head.weight", "head.bias"}
    assert saved["epoch"] == 3


WRONG = [
    (
        "callback.finetune.mode=prob",
        "callback.finetune.mode=prob: seedbed.callback.finetune.Finetune expects one of probe",
    ),
    ("callback.finetune.every=0", "callback.finetune: every must be at least 1 epoch, got 0"),
    (
        "callback.finetune.backbone_rate=0",
        "callback.finetune: backbone_rate must be positive and finite, got 0; mode=probe freezes",
    ),
    (
        "callback.finetune.mode=gradual",
        "callback.finetune: mode=gradual with every=1 needs 2 epochs until all 1 blocks learn, the "
        "training has 1",
    ),
    (
        "model=linear ~model.widths",
        "callback.finetune: Linear has nothing below its head that learns",
    ),
]


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_one_line_and_no_folder(words: str, says: str, train: Train, tmp_path: Path) -> None:
    ended = train(*TINY, "callback=finetune", *words.split())
    assert ended.code == 2
    assert [line[: len(says)] for line in ended.lines()] == [says]
    assert not list(tmp_path.glob("logs/*/*"))
