"""The mean of the last epochs by hand, and who sees it when."""

from collections.abc import Iterator, Sequence
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import torch
from quick import Batches, Walker, trainer
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from seedbed.callback._average import RAW
from seedbed.callback.swa import SWA, tail
from seedbed.checkpoint._file import read_checkpoint
from seedbed.checkpoint.best_and_last import BestAndLast


def fitted(
    epochs: int, start: float, every: int = 1, *, batches: int = 1, **options: Any
) -> Walker:
    task = Walker(losses=options.pop("losses", ()))
    callbacks = [SWA(start, every), *options.pop("callbacks", [])]
    runner = trainer(max_epochs=epochs, callbacks=callbacks, **options)
    runner.fit(task, Batches(batches), Batches(1))
    return task


def test_the_mean_of_the_snapshots() -> None:
    task = fitted(3, start=0)  # the weight after epochs 1, 2, 3 is 1, 2, 3
    assert task.validated == [1, 1.5, 2]
    assert task.trained == [0, 1, 2]  # training goes on from the raw weights
    assert task.w.item() == 2  # the mean is the result


@pytest.mark.parametrize(
    ("start", "every", "snapshots"),
    [
        (0.75, 1, [7, 8]),
        (0.5, 1, [5, 6, 7, 8]),
        (0.5, 2, [6, 8]),
        (5, 1, [6, 7, 8]),
        (1, 3, [4, 7]),
        (7, 1, [8]),
        (0.5, 3, [7]),
    ],
)
def test_when_snapshots_are_taken(start: float, every: int, snapshots: list[int]) -> None:
    task = fitted(8, start, every)
    taken = [[s for s in snapshots if s <= epoch] for epoch in range(1, 9)]
    means = [sum(t) / len(t) if t else epoch for epoch, t in enumerate(taken, 1)]
    assert task.validated == pytest.approx(means)
    assert task.w.item() == pytest.approx(sum(snapshots) / len(snapshots))


def test_an_epoch_of_several_steps_counts_once() -> None:
    task = fitted(2, start=0, batches=4, accumulate_grad_batches=2)
    assert task.validated == [2, 3]  # after 2 and 4 updates


def test_a_share_of_a_training_that_steps_end() -> None:
    task = fitted(100, start=0.5, batches=2, max_steps=8)
    assert task.w.item() == 7  # epochs 3 and 4 end after 6 and 8 updates


def test_a_validation_within_an_epoch_sees_the_mean_so_far() -> None:
    task = fitted(2, start=0, batches=2, val_check_interval=0.5)
    assert task.validated == [1, 2, 2, 3]


@pytest.mark.parametrize("share", [0.07, 0.29, 0.57, 0.58])
def test_a_share_is_not_lost_to_rounding(share: float) -> None:
    assert tail(share, 100) == round(share * 100)


def test_checkpoints_hold_the_mean_and_the_raw_weights(tmp_path: Path) -> None:
    fitted(4, 0.25, losses=[3, 2, 1, 4], callbacks=[BestAndLast(str(tmp_path), "val/loss")])
    best, last = (read_checkpoint(tmp_path / f"{name}.ckpt") for name in ("best", "last"))
    assert (best["state_dict"]["w"].item(), best[RAW]["w"].item()) == (2.5, 3)
    assert (last["state_dict"]["w"].item(), last[RAW]["w"].item()) == (3, 4)


def test_before_the_tail_checkpoints_are_plain(tmp_path: Path) -> None:
    fitted(4, 3, losses=[3, 1, 2, 4], callbacks=[BestAndLast(str(tmp_path), "val/loss")])
    best = read_checkpoint(tmp_path / "best.ckpt")
    assert best["state_dict"]["w"].item() == 2
    assert RAW not in best


@pytest.mark.parametrize("parts", [[2, 6], [4, 6], [5, 6], [1, 4, 5, 6]])
def test_resumed_is_uninterrupted(tmp_path: Path, parts: Sequence[int]) -> None:
    def fit(epochs: Sequence[int]) -> list[float]:
        seen, start, task = [], None, Walker()
        for until in epochs:
            keep = BestAndLast(str(tmp_path / str(len(epochs))), "val/loss")
            task = Walker(losses=[1.0] * 6)
            runner = trainer(max_epochs=until, callbacks=[SWA(3), keep])
            runner.fit(task, Batches(2), Batches(1), ckpt_path=start, weights_only=True)
            seen += [*task.trained, *task.validated]
            start = keep.last
        return [*seen, task.w.item()]

    assert sorted(fit(parts)) == sorted(fit([6]))


def test_a_longer_training_has_a_later_tail(tmp_path: Path) -> None:
    keep = BestAndLast(str(tmp_path), "val/loss")
    fitted(4, 0.5, losses=[1] * 8, callbacks=[keep])  # 3 and 4
    task = Walker(losses=[1] * 8)
    again = BestAndLast(str(tmp_path), "val/loss")
    runner = trainer(max_epochs=8, callbacks=[SWA(0.5), again])
    runner.fit(task, Batches(1), Batches(1), ckpt_path=keep.last, weights_only=True)
    assert task.validated == [5, 5.5, 6, 6.5]


class Normed(Walker):
    """One weight, then batch norm, and dropout that would spoil its statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.first.weight, 0)
        self.net = nn.Sequential(nn.Dropout(0.5), self.first, nn.BatchNorm1d(1))
        self.seen: list[dict[str, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self(batch)
        return super().training_step(batch, batch_idx) - self.first.weight.sum()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.seen.append({k: v.clone() for k, v in self.state_dict().items()})


BATCHES = [torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [2.0], [8.0]])]


class Inputs(Batches):
    """Means 2 and 4, variances 2 and 12."""

    def __init__(self) -> None:
        super().__init__(len(BATCHES))

    def __iter__(self) -> Iterator[Tensor]:
        return iter(BATCHES)


def test_running_statistics_are_those_of_the_mean_over_the_training_data() -> None:
    task = Normed()
    runner = trainer(max_epochs=2, callbacks=[SWA(0)])
    runner.fit(task, Inputs(), Batches(1))
    # two steps an epoch: the weight is 2, then 4, its mean 3; every batch counts alike
    after = task.seen[1]
    assert after["net.1.weight"].item() == 3
    assert after["net.2.running_mean"].item() == pytest.approx(3 * (2 + 4) / 2)
    assert after["net.2.running_var"].item() == pytest.approx(9 * (2 + 12) / 2)
    assert after["net.2.num_batches_tracked"].item() == 2
    assert task.net[2].momentum == 0.1
    assert all(module.training for module in task.modules())


def test_running_statistics_equal_those_of_torch() -> None:
    task = Normed()
    task.net[0] = nn.Identity()
    runner = trainer(max_epochs=3, callbacks=[SWA(1)])
    runner.fit(task, Inputs(), Batches(1))
    ours = {k: v.clone() for k, v in task.net.state_dict().items()}
    update_bn(BATCHES, task.net)
    for name, value in task.net.state_dict().items():
        assert torch.equal(ours[name], value), name


class Recalling(Normed):
    """Notes the running mean that each epoch starts from."""

    def __init__(self) -> None:
        super().__init__()
        self.means: list[float] = []

    def on_train_epoch_start(self) -> None:
        self.means.append(statistics_of(self)[0])


def statistics_of(task: Normed) -> tuple[float, float]:
    norm = task.net[2]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean.item(), norm.running_var.item()


def test_training_keeps_its_own_running_statistics() -> None:
    statistics = []
    for callbacks in ([], [SWA(0)]):
        torch.manual_seed(0)
        task = Recalling()
        task.net[0] = nn.Identity()
        trainer(max_epochs=3, callbacks=list(callbacks)).fit(task, Inputs(), Batches(1))
        statistics.append(task.means)
    assert statistics[0] == statistics[1]


def test_a_frozen_norm_keeps_its_statistics() -> None:
    class Frozen(Normed):
        def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
            self.net[2].eval()

    task = Frozen()
    trainer(max_epochs=2, callbacks=[SWA(0)]).fit(task, Inputs(), Batches(1))
    assert statistics_of(task) == (0, 1)


@pytest.mark.parametrize(
    ("start", "every", "says"),
    [(-0.1, 1, "start"), (1.5, 1, "start"), (nan, 1, "start"), (inf, 1, "start"), (0, 0, "every")],
)
def test_arguments_outside_their_range_are_refused(start: float, every: int, says: str) -> None:
    with pytest.raises(ValueError, match=f"{says} must"):
        SWA(start, every)
