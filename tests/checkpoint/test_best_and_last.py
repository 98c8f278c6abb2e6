"""What is written, when, and what is in it."""

from math import inf, nan
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from quick import Batches, Walker, trainer

from seedbed.checkpoint._file import PlainFile
from seedbed.checkpoint.best_and_last import BestAndLast


def kept(
    folder: Path, losses: list[float], mode: Literal["min", "max"] = "min", **options: Any
) -> BestAndLast:
    keep = BestAndLast(str(folder), "val/loss", mode)
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


def test_a_mode_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mode must"):
        BestAndLast(str(tmp_path), "val/loss", "up")  # pyright: ignore[reportArgumentType]
