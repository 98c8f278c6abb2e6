"""The average of the weights by hand, and who sees it when."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from lightning import Trainer
from quick import Batches, Walker, trainer
from torch import Tensor

from seedbed.callback._average import RAW
from seedbed.callback.ema import EMA
from seedbed.checkpoint._file import read_checkpoint
from seedbed.checkpoint.best_and_last import BestAndLast

AVERAGES = [0.0, 0.1, 0.29, 0.561, 0.9049]  # of x = 0, 1, 2, 3, 4 at d = .9


def fitted(
    task: Walker, steps: int, *, decay: float = 0.9, per_epoch: int = 1, **options: Any
) -> tuple[Trainer, EMA]:
    ema = EMA(decay, warmup=False)
    callbacks = [ema, *options.pop("callbacks", [])]
    runner = trainer(max_epochs=steps // per_epoch, callbacks=callbacks, **options)
    runner.fit(task, Batches(per_epoch), Batches(1))
    return runner, ema


def test_three_steps_by_hand() -> None:
    task = Walker()
    fitted(task, 3)
    assert task.trained == [0, 1, 2]  # training goes on from the raw weights
    assert task.validated == pytest.approx(AVERAGES[1:4])
    assert task.w.item() == pytest.approx(0.561)  # the average is the result


def test_a_decay_of_0_keeps_the_latest() -> None:
    task = Walker()
    fitted(task, 3, decay=0.0)
    assert task.validated == [1, 2, 3]


def test_the_warm_up_forgets_the_first_weights() -> None:
    ema = EMA(0.9)
    assert [ema.decay_at(t) for t in (1, 2, 5)] == pytest.approx([2 / 11, 3 / 12, 6 / 15])
    assert ema.decay_at(79) == pytest.approx(80 / 89)
    assert ema.decay_at(80) == ema.decay_at(10_000) == 0.9  # 81 / 90 is .9
    task = Walker()
    trainer(max_epochs=2, callbacks=[ema]).fit(task, Batches(1), Batches(1))
    first = 1 - 2 / 11
    assert task.validated == pytest.approx([first, first * 3 / 12 + 2 * 9 / 12])


def test_micro_batches_count_as_one_step() -> None:
    task = Walker()
    fitted(task, 4, per_epoch=4, accumulate_grad_batches=2)
    assert task.validated == pytest.approx([AVERAGES[2]])


def test_the_test_sees_the_average() -> None:
    task = Walker()
    runner, _ = fitted(task, 3)
    runner.test(task, Batches(1), verbose=False)
    assert task.tested == pytest.approx([0.561])


class Failing(Walker):
    """Cannot validate."""

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        super().validation_step(batch, batch_idx)
        raise RuntimeError("no validation today")


def test_after_a_failed_validation_the_weights_are_the_raw_ones() -> None:
    task, ema = Failing(), EMA(0.9, warmup=False)
    with pytest.raises(RuntimeError, match="no validation today"):
        trainer(max_epochs=1, callbacks=[ema]).fit(task, Batches(3), Batches(1))
    assert task.validated == pytest.approx([0.561])
    assert task.w.item() == 3
    assert ema.average["w"].item() == pytest.approx(0.561)


def test_checkpoints_hold_the_average_and_the_raw_weights(tmp_path: Path) -> None:
    task = Walker(losses=[3, 1, 2, 4])
    fitted(task, 4, callbacks=[BestAndLast(str(tmp_path), "val/loss")])
    for name, step in (("best", 2), ("last", 4)):
        saved = read_checkpoint(tmp_path / f"{name}.ckpt")
        assert saved["state_dict"]["w"].item() == pytest.approx(AVERAGES[step])
        assert saved[RAW]["w"].item() == step


def test_a_checkpoint_during_validation_is_the_same(tmp_path: Path) -> None:
    class Saving(Walker):
        def validation_step(self, batch: Tensor, batch_idx: int) -> None:
            self.trainer.save_checkpoint(tmp_path / "now.ckpt")

    fitted(Saving(), 2)
    saved = read_checkpoint(tmp_path / "now.ckpt")
    assert saved["state_dict"]["w"].item() == pytest.approx(0.29)
    assert saved[RAW]["w"].item() == 2


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.parametrize("warmup", [True, False])
def test_resumed_is_uninterrupted(tmp_path: Path, warmup: bool, accumulated: int) -> None:
    def fit(epochs: Sequence[int]) -> list[float]:
        seen, start = [], None
        for until in epochs:
            keep = BestAndLast(str(tmp_path / str(len(epochs))), "val/loss")
            task = Walker(losses=[1.0] * 6)
            runner = trainer(
                max_epochs=until,
                accumulate_grad_batches=accumulated,
                callbacks=[EMA(0.9, warmup=warmup), keep],
            )
            runner.fit(task, Batches(2), Batches(1), ckpt_path=start, weights_only=True)
            seen += [*task.trained, *task.validated]
            start = keep.last
        return sorted(seen)

    assert fit([2, 5, 6]) == fit([6])


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_outside_its_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="decay must"):
        EMA(decay)
