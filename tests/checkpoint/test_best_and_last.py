"""What is written, when, and what is in it."""

import errno
import os
from math import inf, nan
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from quick import Batches, Walker, trainer

from seedbed.atomic import Unwritable
from seedbed.checkpoint._file import PlainFile
from seedbed.checkpoint._together import also
from seedbed.checkpoint.best_and_last import BestAndLast
from seedbed.types import Diverged


def kept(
    folder: Path,
    losses: list[float],
    mode: Literal["min", "max"] = "min",
    top_k: int = 1,
    **options: Any,
) -> BestAndLast:
    keep = BestAndLast(str(folder), "val/loss", mode, top_k)
    task = Walker(losses=losses)
    runner = trainer(max_epochs=len(losses), callbacks=[keep], plugins=[PlainFile()], **options)
    runner.fit(task, Batches(1), Batches(1))
    return keep


def weight(path: Path) -> float:
    return torch.load(path, weights_only=True)["state_dict"]["w"].item()


@pytest.mark.parametrize(
    ("mode", "losses", "best"),
    [
        ("min", [3.0, 1.0, 2.0, 1.0], 2),
        ("max", [3.0, 1.0, 5.0, 4.0], 3),
        ("min", [nan, 4.0, nan, 5.0], 2),
        ("max", [nan, 4.0, nan, 3.0], 2),
        ("min", [2.0, -inf, 1.0], 2),
        ("min", [inf, 9.0], 2),
    ],
)
def test_the_best_and_the_last(
    tmp_path: Path, mode: Literal["min", "max"], losses: list[float], best: int
) -> None:
    keep = kept(tmp_path, losses, mode)
    assert weight(keep.best) == best  # the weight counts the steps, one an epoch
    assert weight(keep.last) == len(losses)
    assert keep.best_value == losses[best - 1]
    assert keep.best_metrics == {"val/loss": losses[best - 1], "best/epoch": best}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_nan_is_never_best(tmp_path: Path) -> None:
    keep = kept(tmp_path, [nan, nan])
    assert not keep.best.exists()
    assert weight(keep.last) == 2


def test_the_sanity_check_is_no_validation(tmp_path: Path) -> None:
    keep = kept(tmp_path, [5.0, 6.0], num_sanity_val_steps=1)
    assert weight(keep.best) == 1


def test_an_unknown_monitor_is_refused(tmp_path: Path) -> None:
    keep = BestAndLast(str(tmp_path), "val/acc")
    with pytest.raises(ValueError, match="no such metric; there is val/loss"):
        trainer(max_epochs=1, callbacks=[keep]).fit(Walker(losses=[1]), Batches(1), Batches(1))


def test_a_resumed_training_knows_what_was_best(tmp_path: Path) -> None:
    first = kept(tmp_path, [4.0, 2.0])
    keep = BestAndLast(str(tmp_path), "val/loss")
    task = Walker(losses=[0, 0, 3.0, 2.5])
    runner = trainer(max_epochs=4, callbacks=[keep])
    runner.fit(task, Batches(1), Batches(1), ckpt_path=first.last, weights_only=True)
    assert keep.best_value == 2
    assert weight(keep.best) == 2
    assert weight(keep.last) == 4


def others(folder: Path) -> dict[int, float]:
    """Return the weight in each of the best k, by the epoch in its name."""
    return {int(p.name[6:10]): weight(p) for p in folder.glob("epoch-*_step-*.ckpt")}


@pytest.mark.parametrize(
    ("mode", "losses", "epochs"),
    [
        ("min", [5.0, 4.0, 3.0, 2.0], [4, 3, 2]),
        ("min", [2.0, 3.0, 4.0, 5.0], [1, 2, 3]),
        ("min", [3.0, 5.0, 4.0, 1.0], [4, 1, 3]),
        ("max", [3.0, 5.0, nan, 4.0, 1.0], [2, 4, 1]),
        ("min", [2.0, 2.0, 2.0, 2.0], [1, 2, 3]),  # an equal one is no better
        ("min", [nan, 2.0], [2]),
    ],
)
def test_the_best_k(
    tmp_path: Path, mode: Literal["min", "max"], losses: list[float], epochs: list[int]
) -> None:
    keep = kept(tmp_path, losses, mode, top_k=3)
    assert others(tmp_path) == {epoch: epoch for epoch in epochs}
    assert [value for value, _ in keep.kept] == [losses[epoch - 1] for epoch in epochs]
    assert weight(keep.best) == epochs[0]
    assert weight(keep.last) == len(losses)
    assert keep.best_metrics == {"val/loss": losses[epochs[0] - 1], "best/epoch": epochs[0]}
    assert len(list(tmp_path.iterdir())) == len(epochs) + 2


def test_validations_within_an_epoch_have_files_of_their_own(tmp_path: Path) -> None:
    keep = BestAndLast(str(tmp_path), "val/loss", top_k=2)
    runner = trainer(max_epochs=1, val_check_interval=0.5, callbacks=[keep], plugins=[PlainFile()])
    runner.fit(Walker(losses=[1.0]), Batches(2), Batches(1))
    names = sorted(path.name for path in tmp_path.glob("epoch*"))
    assert names == ["epoch-0001_step-0000001.ckpt", "epoch-0001_step-0000002.ckpt"]


def test_a_resumed_training_knows_the_best_k_and_deletes_what_it_does_not(tmp_path: Path) -> None:
    first = kept(tmp_path, [4.0, 3.0, 2.0], top_k=2)
    stray = tmp_path / "epoch-0009_step-0000009.ckpt"  # of epochs after the last checkpoint
    stray.write_bytes(b"interrupted")
    keep = BestAndLast(str(tmp_path), "val/loss", top_k=2)
    runner = trainer(max_epochs=5, callbacks=[keep], plugins=[PlainFile()])
    task = Walker(losses=[0, 0, 0, 2.5, 9.0])
    runner.fit(task, Batches(1), Batches(1), ckpt_path=first.last, weights_only=True)
    assert others(tmp_path) == {3: 3, 4: 4}
    assert weight(keep.best) == 3


@pytest.mark.parametrize("links", [True, False])
def test_a_second_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def refused(*_: object) -> None:
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refused)
    first, second, best = (tmp_path / name for name in ("1", "2", "best"))
    first.write_text("first")
    second.write_text("second")
    for file in (first, first, second):
        also(file, best)
        assert best.read_text() == file.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "best"]


def test_k_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="top_k must"):
        BestAndLast(str(tmp_path), "val/loss", top_k=0)


def test_a_mode_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mode must"):
        BestAndLast(str(tmp_path), "val/loss", "up")  # pyright: ignore[reportArgumentType]


class Poisoned(Walker):
    """Its weight is no number after the second step."""

    def __init__(self, value: float, losses: list[float]) -> None:
        super().__init__(losses=losses)
        self.value = value

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.trainer.global_step == 2:
            with torch.no_grad():
                self.w.fill_(self.value)


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("losses", [[3.0, 1.0, 0.5], [1.0, 2.0, 3.0]])
def test_weights_that_are_not_finite_are_never_written(
    tmp_path: Path, value: float, losses: list[float]
) -> None:
    keep = BestAndLast(str(tmp_path), "val/loss")
    runner = trainer(max_epochs=3, callbacks=[keep], plugins=[PlainFile()])
    with pytest.raises(Diverged, match=r"non-finite by step 2 \(w holds"):
        runner.fit(Poisoned(value, losses), Batches(1), Batches(1))
    assert (weight(keep.best), weight(keep.last)) == (1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_a_process_whose_weights_are_fine_stops_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = BestAndLast(str(tmp_path), "val/loss")
    runner = trainer(max_epochs=1, callbacks=[keep], plugins=[PlainFile()])
    asked: list[tuple[bool, bool]] = []

    def decide(decision: bool, all: bool = True) -> bool:
        asked.append((decision, all))
        return False

    monkeypatch.setattr(runner.strategy, "reduce_boolean_decision", decide)
    with pytest.raises(Diverged, match="on another process"):
        runner.fit(Walker(losses=[1]), Batches(1), Batches(1))
    assert asked == [(True, True)]


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_a_best_that_was_lost_is_followed_by_another(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = kept(tmp_path, [4.0, 2.0])
    if how == "gone":
        first.best.unlink()
    else:
        first.best.write_bytes(first.best.read_bytes()[:-100])
    keep = BestAndLast(str(tmp_path), "val/loss")
    runner = trainer(max_epochs=4, callbacks=[keep], plugins=[PlainFile()])
    task = Walker(losses=[0, 0, 3.0, 9.0])
    runner.fit(task, Batches(1), Batches(1), ckpt_path=first.last, weights_only=True)
    assert keep.best_metrics == {"val/loss": 3.0, "best/epoch": 3}
    assert weight(keep.best) == 3
    assert capsys.readouterr().err.count("best.ckpt: ") == 1


def test_of_several_best_the_next_takes_the_place_of_a_damaged_one(tmp_path: Path) -> None:
    first = kept(tmp_path, [4.0, 3.0, 2.0], top_k=3)
    best = first.file(first.kept[0])
    best.write_bytes(best.read_bytes()[:-100])  # and so best.ckpt, which is the same file
    keep = BestAndLast(str(tmp_path), "val/loss", top_k=3)
    runner = trainer(max_epochs=4, callbacks=[keep], plugins=[PlainFile()])
    task = Walker(losses=[0, 0, 0, 9.0])
    runner.fit(task, Batches(1), Batches(1), ckpt_path=first.last, weights_only=True)
    assert [value for value, _ in keep.kept] == [3, 4, 9]
    assert weight(keep.best) == 2


def test_a_disk_that_is_full_ends_the_training_and_leaves_the_files_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def full(handle: int) -> None:
        if task.trainer.current_epoch == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    task, keep = Walker(losses=[5.0, 4.0]), BestAndLast(str(tmp_path), "val/loss", top_k=2)
    runner = trainer(max_epochs=2, callbacks=[keep], plugins=[PlainFile()])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unwritable, match=r"2\.ckpt: cannot be written \(No space"):
        runner.fit(task, Batches(1), Batches(1))
    assert (weight(keep.best), weight(keep.last)) == (1, 1)
    names = ["best.ckpt", "epoch-0001_step-0000001.ckpt", "last.ckpt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
