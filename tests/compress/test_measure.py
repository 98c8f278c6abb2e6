"""Costs and worth by hand."""

import math
from itertools import cycle

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.regression import R2Score

from seedbed.compress import _measure
from seedbed.compress._measure import drop, latencies, macs, outputs_of, parameters, points
from seedbed.model.cnn import CNN
from seedbed.types import Batch, Spec

THREE = Spec((4,), "class", 3, ("a", "b", "c"))


def test_points_of_classes_are_percent() -> None:
    logits = torch.tensor([[2.0, 1, 0], [0, 1, 2], [1, 2, 0], [3, 0, 1]])
    assert points(logits, torch.tensor([0, 2, 0, 1]), THREE).tolist() == [100, 100, 0, 0]
    one = Spec((4,), "class", 1, ("no", "yes"))
    assert points(torch.tensor([[0.3], [-2.0]]), torch.tensor([1, 1]), one).tolist() == [100, 0]


def test_points_of_values_are_those_of_torchmetrics() -> None:
    y, found = torch.randn(50, 2) * torch.tensor([1.0, 9.0]), torch.randn(50, 2)
    r2 = R2Score(multioutput="uniform_average")
    expected = 100 * r2(found.double(), y.double()).item()
    assert points(found, y, Spec((4,), "value", 2)).mean().item() == pytest.approx(expected)


def test_the_error_is_that_of_the_paired_differences() -> None:
    before = torch.tensor([100.0, 100, 0, 0, 100, 0, 100, 100])
    after = torch.tensor([100.0, 0, 0, 100, 100, 0, 100, 0])
    gained, error = drop(before, after)
    differences = [0, -100, 0, 100, 0, 0, 0, -100]
    mean = sum(differences) / 8
    spread = math.sqrt(sum((d - mean) ** 2 for d in differences) / 7)
    assert gained == pytest.approx(mean)
    assert error == pytest.approx(spread / math.sqrt(8))


def test_outputs_of_a_split_are_in_its_order() -> None:
    x = torch.randn(1100, 4)
    split = Batch(x, torch.zeros(1100))
    torch.testing.assert_close(outputs_of(lambda batch: batch[:, :1] * 2, split), x[:, :1] * 2)


def test_parameters_and_operations_of_a_cnn() -> None:
    net = CNN((1, 8, 8), 10, channels=[4], hidden=16)
    weights = 9 * 4 + 4 + 4 * 16 * 16 + 16 + 16 * 10 + 10
    with torch.no_grad():
        net.head.weight[:5] = 0
    assert parameters(net) == (weights, weights - 5 * 16)
    by_hand = 64 * 4 * 9 + 64 * 16 + 160  # places · maps · kernel, then two matrices
    assert macs(net, torch.randn(2, 1, 8, 8)) == by_hand
    assert macs(net, torch.randn(1, 1, 8, 8)) == by_hand


def test_times_are_medians_taken_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = [0.0], list[str]()
    slow = cycle([5.0, 5.0, 60.0])  # milliseconds; a median is not moved by the third

    def model(name: str, milliseconds: object) -> nn.Module:
        class Timed(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                clock[0] += (next(slow) if name == "slow" else 2.0) / 1e3
                calls.append(name)
                return x

        return Timed()

    monkeypatch.setattr(_measure.time, "process_time", lambda: clock[0])
    found = latencies({"fast": model("fast", 2), "slow": model("slow", 5)}, torch.zeros(1))
    assert found == {"fast": pytest.approx(2.0), "slow": pytest.approx(5.0)}
    assert calls[4:] == ["fast", "slow"] * (len(calls[4:]) // 2)
    assert len(calls) >= 30


def test_threads_are_as_before() -> None:
    before = torch.get_num_threads()
    seen = []
    latencies({"one": lambda x: seen.append(torch.get_num_threads())}, torch.zeros(1))
    assert set(seen) == {1}
    assert torch.get_num_threads() == before
