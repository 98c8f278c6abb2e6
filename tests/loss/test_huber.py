"""Huber's loss in closed form."""

import pytest
import torch
import torch.nn.functional as F
from option import build


def test_by_hand() -> None:
    predicted = torch.tensor([[1.0, 0.0], [4.0, -10.0]], requires_grad=True)
    made = build("loss", "huber", delta=2.0)
    cost = made(predicted, torch.tensor([[0.0, 0.0], [2.0, 0.0]]))  # errors 1, 0, 2, -10
    assert cost.item() == (0.5 + 0 + 2 + 2 * (10 - 1)) / 4
    cost.backward()
    torch.testing.assert_close(predicted.grad, torch.tensor([[1.0, 0.0], [2.0, -2.0]]) / 4)


@pytest.mark.parametrize("delta", [0.3, 1.0, 4.0])
def test_it_is_delta_times_smooth_l1(delta: float) -> None:
    a, b = torch.randn(2, 40, 3).double() * 3
    expected = delta * F.smooth_l1_loss(a, b, beta=delta)
    torch.testing.assert_close(build("loss", "huber", delta=delta)(a, b), expected)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan"), float("inf")])
def test_a_delta_outside_its_range_is_refused(delta: float) -> None:
    with pytest.raises(ValueError, match="delta must be positive"):
        build("loss", "huber", delta=delta)
