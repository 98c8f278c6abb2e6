"""What an average of the weights is made of, whatever kind it is."""

import math
from typing import Any

import pytest
import torch
from quick import Batches, Walker, trainer
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.callback._average import RAW
from seedbed.callback.ema import EMA


def ema(model: nn.Module, decay: float = 0.75) -> EMA:
    """Return an average that has begun with a model's weights."""
    average = EMA(decay, warmup=False)
    average.look(model)  # pyright: ignore[reportArgumentType]
    average.begin()
    return average


def test_it_has_the_names_of_the_state() -> None:
    model = nn.Sequential(weight_norm(nn.Linear(2, 3)), nn.BatchNorm1d(3), nn.PReLU())
    model.register_buffer("hidden", torch.zeros(1), persistent=False)
    assert list(ema(model).average) == list(model.state_dict())


def test_running_statistics_are_averaged_and_counts_copied() -> None:
    norm = nn.BatchNorm1d(1)
    average = ema(norm)
    norm(torch.tensor([[1.0], [3.0]]))  # mean 2, variance 2: .2 and .9 + .2
    average.move(0.25)
    assert average.average["running_mean"].item() == pytest.approx(0.05)
    assert average.average["running_var"].item() == pytest.approx(0.75 + 0.25 * 1.1)
    assert average.average["num_batches_tracked"].item() == 1


def test_other_buffers_are_copied_even_if_infinite() -> None:
    model = nn.Module()
    model.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    model.register_parameter("w", nn.Parameter(torch.zeros(1)))
    average = ema(model)
    model.mask = torch.tensor([-math.inf, 0.0])  # another tensor in its place
    average.move(0.25)
    assert average.average["mask"].tolist() == [-math.inf, 0]


def test_tied_weights_are_averaged_once() -> None:
    first, second = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    second.weight = first.weight
    with torch.no_grad():
        first.weight.fill_(0)
        average = ema(nn.Sequential(first, second))
        first.weight.fill_(4)
    average.move(0.25)
    assert [v.item() for v in average.average.values()] == [1, 1]
    average.show()
    assert second.weight.item() == 1
    average.hide()
    assert first.weight.item() == 4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_averaged_in_single(dtype: torch.dtype) -> None:
    model = nn.Linear(1, 1, bias=False, dtype=dtype)
    with torch.no_grad():
        model.weight.fill_(1)
        average = ema(model)
        model.weight.fill_(2)
    for _ in range(1000):
        average.move(0.001)  # less than half of a half's last digit
    assert average.average["weight"].item() == pytest.approx(2 - 0.999**1000, rel=1e-4)
    average.show()
    assert model.weight.dtype == dtype
    assert model.weight.item() == pytest.approx(2 - 0.999**1000, rel=1e-2)


def test_double_precision_stays_double() -> None:
    model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    assert ema(model).average["weight"].dtype == torch.float64


class Growing(Walker):
    """Gets a buffer in its second epoch and replaces it in every validation after."""

    def on_train_epoch_start(self) -> None:
        if self.current_epoch == 1:
            self.register_buffer("late", torch.tensor([7.0]))

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        super().validation_step(batch, batch_idx)
        if self.current_epoch >= 1:
            self.late = self.late + 1
            self.register_buffer(f"later_{self.current_epoch}", torch.ones(1))


def test_buffers_that_appear_are_taken_in() -> None:
    task = Growing()
    runner = trainer(max_epochs=4, callbacks=[EMA(0.9, warmup=False)])
    runner.fit(task, Batches(1), Batches(1))
    assert task.validated == pytest.approx([0.1, 0.29, 0.561, 0.9049])
    assert task.state_dict()["later_1"].item() == 1


def test_a_checkpoint_holds_every_name_twice() -> None:
    model = Walker()
    average = ema(model)
    with torch.no_grad():
        model.w.fill_(4)
    average.move(0.25)
    checkpoint: dict[str, Any] = {"state_dict": model.state_dict() | {"extra": "kept"}}
    average.on_save_checkpoint(trainer(), model, checkpoint)
    assert checkpoint["state_dict"]["w"].item() == 1
    assert checkpoint[RAW]["w"].item() == 4
    assert checkpoint["state_dict"]["extra"] == checkpoint[RAW]["extra"] == "kept"
