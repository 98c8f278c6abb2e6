"""`status.json` tells the truth, also of a run that could not say anything any more."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import TINY, Train
from same import differences
from start import run, start, status

from seedbed.data._splits import Splits
from seedbed.run import status as stands_there
from seedbed.run.status import Record, standing
from seedbed.types import Split

SHORT = [*TINY[:-2], "trainer.max_epochs=3", TINY[-1]]


def test_the_heart_beats_until_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stands_there, "BEAT", 0.02)
    times = iter(f"2026-01-01T00:00:{n:02}+00:00" for n in range(60))
    monkeypatch.setattr(stands_there, "now", lambda: next(times, "later"))
    record = Record(tmp_path)
    first = status(tmp_path)
    assert (first["status"], first["pid"]) == ("running", os.getpid())
    end = time.monotonic() + 10
    while status(tmp_path)["heartbeat"] == first["heartbeat"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    record.end({"status": "ok"})
    last = status(tmp_path)
    assert last["status"] == "ok"
    assert "heartbeat" not in last
    time.sleep(0.1)
    record.beat()
    record.end({"status": "failed"})  # too late: the first word counts
    assert status(tmp_path) == last


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, "running"),
        ({"pid": 2**22 + 1}, "lost"),  # no process has this number
        ({"heartbeat": "2026-01-01T00:00:00+00:00"}, "lost"),
        ({"host": "elsewhere", "pid": 2**22 + 1}, "running"),  # whose processes nobody sees here
        ({"host": "elsewhere", "heartbeat": "2026-01-01T00:00:00+00:00"}, "lost"),
        ({"status": "ok", "heartbeat": "2026-01-01T00:00:00+00:00"}, "ok"),
    ],
)
def test_a_reader_sees_what_became_of_a_run(
    changes: dict[str, object], stands: str, tmp_path: Path
) -> None:
    record = Record(tmp_path)
    said = status(tmp_path)
    record.take_back()
    (tmp_path / "status.json").write_text(json.dumps(said | changes))
    assert standing(tmp_path) == stands


@pytest.mark.slow
def test_a_killed_run_is_lost_and_goes_on(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    fault = {"where": "batch", "step": 5, "what": "SIGKILL", "mark": str(mark)}
    assert run(tmp_path, *SHORT, "out=run", fault=fault).code == -signal.SIGKILL
    assert mark.exists()
    assert standing(tmp_path / "run") == "lost"
    assert run(tmp_path, "run=run").code == 0
    assert standing(tmp_path / "run") == "ok"


@pytest.mark.slow
def test_killed_between_the_best_and_the_last(tmp_path: Path) -> None:
    """The best is the newest state, and it was saved in the middle of an epoch's end."""
    assert run(tmp_path, *SHORT, "out=whole").code == 0
    mark = tmp_path / "mark"
    fault = {"where": "epoch", "step": 6, "what": "SIGKILL", "mark": str(mark)}
    assert run(tmp_path, *SHORT, "out=run", fault=fault).code == -signal.SIGKILL
    assert torch.load(tmp_path / "run/checkpoints/best.ckpt", weights_only=True)["global_step"] == 6
    assert torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)["global_step"] == 3
    assert run(tmp_path, "run=run").code == 0
    assert differences(tmp_path / "whole", tmp_path / "run") == []


@pytest.mark.slow
def test_a_job_of_a_sweep_that_is_killed_is_lost(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    fault = {"where": "batch", "step": 2, "what": "SIGKILL", "mark": str(mark)}
    process = start(tmp_path, "-m", *SHORT, "seed=0,1", fault=fault)
    process.communicate(timeout=120)
    assert process.returncode == 1
    stands = sorted(standing(each.parent) for each in tmp_path.glob("logs/sweeps/*/*/status.json"))
    assert stands == ["lost", "ok"]


class Nothing:
    """A loader without batches."""

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[None]:
        return iter(())


@pytest.mark.parametrize(
    ("split", "says"),
    [
        ("train", "no step was made: the training split has no batches"),
        ("val", "the validation split has no batches"),
        ("test", "the test split has no batches"),
    ],
)
@pytest.mark.filterwarnings("ignore:Total length of `CombinedLoader`:UserWarning")
@pytest.mark.filterwarnings("ignore:Total length of .* across ranks is zero")
def test_an_empty_loader_is_an_error(
    split: Split, says: str, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Splits.batches

    def batches(self: Splits, which: Split, *, shuffle: bool = False) -> object:
        return Nothing() if which == split else plain(self, which, shuffle=shuffle)

    monkeypatch.setattr(Splits, "batches", batches)
    ended = train(*SHORT, "out=run", "scheduler=constant")
    assert ended.code == 1, ended.err
    assert ended.lines()[0] == f"failed: {says}; go on with:"
    assert status(Path("run"))["status"] == "failed"


def test_a_loss_that_is_not_finite_is_an_error(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its gradient is finite."""
    from seedbed.task.supervised import Supervised

    plain = Supervised.data_term

    def infinite(self: Supervised, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        more = float("inf") if self.training and self.global_step == 4 else 0.0
        return plain(self, logits, y) + more

    monkeypatch.setattr(Supervised, "data_term", infinite)
    ended = train(*SHORT, "out=run")
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith(
        "diverged: the gradient became non-finite at step 4"
    )
    assert status(Path("run"))["status"] == "diverged"
    saved = torch.load("run/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 3


def test_a_validation_that_is_not_finite_is_an_error(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seedbed.task.supervised import Supervised

    plain = Supervised.data_term

    def infinite(self: Supervised, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        more = float("nan") if not self.training and self.global_step == 6 else 0.0
        return plain(self, logits, y) + more

    monkeypatch.setattr(Supervised, "data_term", infinite)
    ended = train(*SHORT, "out=run", "trainer.num_sanity_val_steps=0")
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("diverged: val/loss is nan at step 6")
    saved = torch.load("run/checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 3
