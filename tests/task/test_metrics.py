"""The metrics of each kind of target by hand."""

import pytest
import torch

from seedbed.task._metrics import metrics_of
from seedbed.types import Spec


def test_accuracy_counts_examples() -> None:
    metrics = metrics_of(Spec((1,), "class", 3, tuple("abc")), "val")
    metrics.update(torch.eye(3)[[0, 0, 1]], torch.tensor([0, 0, 1]))
    metrics.update(torch.eye(3)[[2]], torch.tensor([0]))
    assert {k: v.item() for k, v in metrics.compute().items()} == {"val/acc": 0.75}


def test_errors_of_values() -> None:
    metrics = metrics_of(Spec((1,), "value", 1), "test")
    metrics.update(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [4.0]]))
    metrics.update(torch.tensor([[3.0]]), torch.tensor([[4.0]]))
    measured = {k: float(v) for k, v in metrics.compute().items()}
    # errors 0, 2, 1; targets 1, 4, 4 with Σ(y - 3)² = 6
    assert measured == pytest.approx(
        {"test/mae": 1.0, "test/rmse": (5 / 3) ** 0.5, "test/r2": 1 - 5 / 6}
    )


def test_errors_of_several_values_are_averaged() -> None:
    metrics = metrics_of(Spec((1,), "value", 2), "test")
    metrics.update(
        torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 30.0]]),
        torch.tensor([[1.0, 13.0], [2.0, 20.0], [4.0, 27.0]]),
    )
    measured: dict[str, torch.Tensor] = metrics.compute()
    assert measured["test/rmse"].item() == pytest.approx((18 / 6) ** 0.5)
    assert measured["test/mae"].item() == pytest.approx(1.0)
    assert measured["test/r2"].item() == pytest.approx((1 + 1 - 18 / 98) / 2)
