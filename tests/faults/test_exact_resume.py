"""A run that was interrupted and went on is, to the last bit, the run that never was."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY, Train
from fault import install
from PIL import Image
from same import differences

pytestmark = pytest.mark.slow

SHORT = [*TINY[:-2], "trainer.max_epochs=3", TINY[-1], "trainer.log_every_n_steps=2"]
HERE = Path(__file__).parent

Interrupt = Callable[..., None]


@pytest.fixture
def interrupted(train: Train, monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Train with SIGTERM at an update, into the folder `out`."""

    def run(step: int, out: str, *words: str, code: int = 143) -> None:
        mark = Path(f"{out}-{step}.mark").absolute()
        fault = {"where": "batch", "step": step, "what": "SIGTERM", "mark": str(mark)}
        with monkeypatch.context() as patch:
            install(fault, patch.setattr)
            ended = train(*words)
        assert mark.exists()
        assert ended.code == code, ended.err
        assert ended.lines()[-1] == f"python train.py run={out}"
        status = json.loads(Path(out, "status.json").read_text())
        assert (status["status"], status["error"]) == ("interrupted", "interrupted by SIGTERM")

    return run


# Three batches an epoch: updates 3, 6 and 9 end one.
CASES: dict[str, tuple[Sequence[int], list[str]]] = {
    "plain": ((1, 2, 3, 5, 6, 8), []),
    "accumulation": ((1, 2, 3, 4), ["trainer.accumulate_grad_batches=2"]),
    "random": (
        (1, 3, 5),
        ["model.dropout=.3", "regularizer=[mixup,l1,noise]", "scheduler=one_cycle"],
    ),
    "plateau": ((2, 3, 5, 7), ["scheduler=plateau", "scheduler.patience=0"]),
    "between validations": ((1, 2, 4, 5, 8), ["trainer.val_check_interval=2"]),
    "rare validations": ((3, 5, 6), ["trainer.check_val_every_n_epoch=2", "checkpoint.top_k=3"]),
    "steps": ((2, 3, 6, 7), ["trainer.max_steps=8", "scheduler=constant"]),
    "swa": ((2, 4, 6), ["callback=[swa]", "callback.swa.start=1"]),
    "finetune": (
        (2, 3, 4, 8),
        [
            *("callback=[ema,finetune]", "callback.finetune.mode=gradual", "model.norm=batch"),
            "callback.finetune.backbone_rate=.5",
        ],
    ),
    "doctor": (  # that looks often, listens over several steps, and examines every epoch
        (1, 2, 4, 6, 7),
        ["doctor.every=2", "data.batch_size=7", "optimizer.lr=10", "callback=[]"],
    ),
    "values": ((2, 4), ["data.form=plane", "callback=[ema,signals,weights]"]),
    "images": (
        (1, 4),
        [
            *("data=digits", "data.fraction=.03", "~data.size", "data.batch_size=16"),
            *("model=cnn", "model.channels=[4]", "~model.widths", "model.norm=batch"),
            *("augment=[basic,cutout]", "optimizer=muon"),
        ],
    ),
    "episodes": (  # new ones in every epoch, and a temperature that no model holds
        (1, 4),
        [
            *("data=episodes", "data.shots=1", "data.queries=2", "~data.size", "callback=[ema]"),
            *("data.episodes=44", "data.val_episodes=8", "data.test_episodes=8"),
            *("task=prototypical", "augment=[basic]"),
        ],
    ),
    "codes": (  # a penalty that the validation chose
        (2, 4),
        [
            *("data=digits", "data.unseen=[8,9]", "data.val_unseen=[3]", "data.fraction=.05"),
            *("~data.size", "task=zero_shot", "callback=[ema]"),
        ],
    ),
    "domains": (  # a classifier of its own, statistics of each domain, and the share that is done
        (1, 4),
        [
            *("data=domains", "data.sources=[digits]", "data.target=digits:invert1"),
            *("data.size=8", "data.fraction=.03", "data.batch_size=24"),
            *("model=cnn", "model.channels=[4]", "~model.widths", "model.norm=batch"),
            "regularizer=[adabn,coral,dann,mmd]",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_resumed_is_uninterrupted(case: str, train: Train, interrupted: Interrupt) -> None:
    steps, words = CASES[case]
    assert train(*SHORT, *words, "out=whole").code == 0
    for step in steps:
        interrupted(step, f"at-{step}", *SHORT, *words, f"out=at-{step}")
        again = train(f"run=at-{step}")
        assert again.code == 0, again.err
        assert differences(Path("whole"), Path(f"at-{step}")) == []


def test_interrupted_again_and_again(train: Train, interrupted: Interrupt) -> None:
    words = [*SHORT, "callback=[ema,early_stopping,gradient_clip]", "regularizer=[mixup]"]
    assert train(*words, "out=whole").code == 0
    interrupted(2, "run", *words, "out=run")
    for step in (3, 5, 6, 8):
        interrupted(step, "run", "run=run")
    assert train("run=run").code == 0
    assert differences(Path("whole"), Path("run")) == []


def test_the_best_serves_where_the_last_is_lost(train: Train, interrupted: Interrupt) -> None:
    """`best.ckpt` is written within an epoch, right after its validation."""
    assert train(*SHORT, "out=whole").code == 0
    for step in (4, 7, 8):
        interrupted(step, f"at-{step}", *SHORT, f"out=at-{step}")
        files = Path(f"at-{step}/checkpoints")
        (files / "best.ckpt").rename(files / "last.ckpt")
        assert train(f"run=at-{step}").code == 0
        assert differences(Path("whole"), Path(f"at-{step}")) == []


def test_a_longer_training_is_the_whole_one(train: Train) -> None:
    """With a constant rate nothing but the end differs."""
    words = [*SHORT, "scheduler=constant", "callback=[ema,early_stopping,gradient_clip]"]
    assert train(*words, "out=whole").code == 0
    assert train(*words, "trainer.max_epochs=2", "out=part", "stages=fit").code == 0
    longer = ["run=part", "trainer.max_epochs=3", "stages=[fit,test,report]"]
    assert train(*longer).code == 0  # the first part was not tested: history would tell
    assert differences(Path("whole"), Path("part")) == []


STOPPING = [
    *SHORT,
    *("trainer.max_epochs=9", "callback=[early_stopping]", "callback.early_stopping.patience=1"),
    "callback.early_stopping.min_delta=10",  # nothing is ever that much better
]


def test_stopped_early_stays_stopped(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert train(*STOPPING, "out=whole").code == 0
    fault = {"where": "test", "step": 6, "what": "SIGTERM", "mark": str(tmp_path / "mark")}
    with monkeypatch.context() as patch:
        install(fault, patch.setattr)
        assert train(*STOPPING, "out=run").code == 143  # while it is tested: all is trained
    assert train("run=run").code == 0
    assert differences(Path("whole"), Path("run")) == []


def test_a_longer_training_has_its_patience_anew(train: Train) -> None:
    assert train(*STOPPING, "out=run").code == 0
    rows = Path("run/history.csv").read_text().count("\n")
    assert train("run=run", "trainer.max_epochs=10").code == 0
    assert Path("run/history.csv").read_text().count("\n") > rows


def picture_folder(root: Path) -> None:
    random = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 6)):
        for label in ("a", "b"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for n in range(count):
                pixels = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{n}.png")


@pytest.mark.parametrize("workers", [0, 2])
def test_files_read_by_workers(
    workers: int, train: Train, interrupted: Interrupt, tmp_path: Path
) -> None:
    picture_folder(tmp_path / "pictures")
    words = [
        *("data=image_folder", "data.root=pictures/train", "data.size=8", "data.batch_size=12"),
        *(f"data.num_workers={workers}", "model=mlp", "model.widths=[8]", "augment=basic"),
        *(TINY[-1], "trainer=cpu", "trainer.max_epochs=2", "stages=[fit,test]"),
    ]
    whole = train(*words, "out=whole")
    assert whole.code == 0, whole.err
    for step in (1, 2):
        interrupted(step, f"at-{step}", *words, f"out=at-{step}")
        assert train(f"run=at-{step}").code == 0
        assert differences(Path("whole"), Path(f"at-{step}")) == []


def of_two(folder: Path, *words: str, fault: dict[str, object] | None = None) -> int:
    """Run on two processes and return the exit code."""
    extra = {"FAULT": json.dumps(fault)} if fault else {}
    done = subprocess.run(
        [sys.executable, str(HERE / "fault.py"), *words],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | extra,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode


TWO = [
    *("trainer=ddp_cpu", *(w for w in SHORT if w != "trainer=cpu")),
    *("regularizer=[mixup]", "model.dropout=.2", "data.size=131"),  # the last batch is uneven
]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes, in a folder."""
    folder = tmp_path_factory.mktemp("two")
    assert of_two(folder, *TWO, "out=whole") == 0
    return folder / "whole"


@pytest.mark.parametrize(("rank", "where"), [(0, "batch"), (1, "batch"), (1, "validation")])
def test_two_processes(rank: int, where: str, uninterrupted: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    step = 3 if where == "validation" else 2
    fault = {"where": where, "step": step, "rank": rank, "what": "SIGTERM", "mark": str(mark)}
    assert of_two(tmp_path, *TWO, "out=run", fault=fault) == 143
    assert mark.exists()
    status = json.loads((tmp_path / "run/status.json").read_text())
    assert status["status"] == "interrupted"
    assert of_two(tmp_path, "run=run") == 0
    assert differences(uninterrupted, tmp_path / "run") == []
