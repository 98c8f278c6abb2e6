"""Signals and gradients of known layers, and where they are written."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from quick import Batches, Walker, trainer
from torch import Tensor, nn

from seedbed.callback.gradient_clip import GradientClip
from seedbed.callback.signals import Signals, rms
from seedbed.logger.csv import CSV


class Chain(Walker):
    """Layers y = w·x with weights 2, then 3, between them what is no layer; the loss is y."""

    def __init__(self) -> None:
        super().__init__()
        first, second = nn.Linear(1, 1, bias=False), nn.Linear(1, 1)
        nn.init.constant_(first.weight, 2)
        nn.init.constant_(second.weight, 3)
        nn.init.constant_(second.bias, 0)
        self.model = nn.Sequential(first, nn.ReLU(), second)
        self.hooked: list[int] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.hooked.append(len(self.model[0]._forward_hooks))
        return self.model(torch.tensor([[5.0], [1.0]])).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def fitted(folder: Path, **options: Any) -> tuple[Chain, list[dict[str, str]]]:
    task, log = Chain(), CSV(str(folder))
    callbacks = [*options.pop("callbacks", []), Signals()]
    steps = options.pop("batches", 3)
    runner = trainer(max_epochs=1, callbacks=callbacks, logger=log, **options)
    runner.fit(task, Batches(steps), Batches(1))
    log.finalize("success")
    with (folder / "history.csv").open(newline="") as file:
        return task, list(csv.DictReader(file))


def numbers(row: dict[str, str]) -> dict[str, float]:
    return {k: float(v) for k, v in row.items() if "/" in k and v}


MEAN, RMS = 3.0, 13**0.5  # of the inputs 5 and 1
FIRST = {
    "signal/1": 2 * RMS,
    "signal/2": 6 * RMS,
    "gradient/1": 3 * MEAN,
    "gradient/2": 2 * MEAN,
}


def test_the_first_step_by_hand(tmp_path: Path) -> None:
    _, rows = fitted(tmp_path, log_every_n_steps=3)
    assert [row["step"] for row in rows] == ["0"]
    assert numbers(rows[0]) == pytest.approx(FIRST)
    assert rows[0]["epoch"] == "1"


def test_a_step_stands_for_the_weights_after_so_many_updates(tmp_path: Path) -> None:
    task, rows = fitted(tmp_path, log_every_n_steps=2, batches=4)
    assert [row["step"] for row in rows] == ["0", "2"]
    first, second = 2.0, 3.0
    for _ in range(2):
        first, second = first - 0.01 * MEAN * second, second - 0.01 * MEAN * first
    assert numbers(rows[1])["signal/1"] == pytest.approx(first * RMS)
    assert numbers(rows[1])["gradient/1"] == pytest.approx(second * MEAN)
    assert task.hooked == [1, 0, 1, 0]  # between logged steps nobody listens
    assert not task.model[0]._forward_hooks


def test_gradients_are_those_before_clipping(tmp_path: Path) -> None:
    _, rows = fitted(tmp_path, callbacks=[GradientClip(0.001)], log_every_n_steps=3)
    assert numbers(rows[0]) == pytest.approx(FIRST)


def test_gradients_are_those_of_the_whole_update(tmp_path: Path) -> None:
    _, rows = fitted(tmp_path, accumulate_grad_batches=2, log_every_n_steps=2, batches=6)
    assert [row["step"] for row in rows] == ["0", "2"]
    assert numbers(rows[0]) == pytest.approx(FIRST)


def test_a_frozen_layer_has_a_signal_and_no_gradient(tmp_path: Path) -> None:
    class Frozen(Chain):
        def __init__(self) -> None:
            super().__init__()
            self.model[0].requires_grad_(False)

    log = CSV(str(tmp_path))
    runner = trainer(max_epochs=1, callbacks=[Signals()], logger=log, log_every_n_steps=1)
    runner.fit(Frozen(), Batches(1), Batches(1))
    log.finalize("success")
    assert sorted(log.columns[2:]) == ["gradient/2", "signal/1", "signal/2"]


def test_the_size_of_halves_does_not_overflow() -> None:
    assert rms(torch.full((3,), 6e4, dtype=torch.float16)).item() == pytest.approx(6e4, rel=1e-3)
    assert rms(torch.tensor([3.0, 4.0])).item() == pytest.approx(12.5**0.5)


def test_no_hook_outlives_a_failure() -> None:
    class Failing(Chain):
        def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
            raise RuntimeError("no training today")

    task = Failing()
    with pytest.raises(RuntimeError, match="no training today"):
        trainer(max_epochs=1, callbacks=[Signals()]).fit(task, Batches(1), Batches(1))
    assert not task.model[0]._forward_hooks
