"""The L2 penalty by hand, and beside weight decay."""

from typing import Any

import pytest
import torch
from descend import descended, problem
from option import build
from penalised import penalty_of, small
from torch import nn

from seedbed.regularizer.l2 import L2


def after(optimizer: str, coef: float, steps: int, **options: Any) -> torch.Tensor:
    """Return the weights after some steps on a linear loss with an L2 penalty."""
    model = small([[1.0, -2.0], [3.0, 0.5]], bias=[0.0, 0.0])
    update = build("optimizer", optimizer, params=[model.weight], **options)
    for step in range(steps):
        update.zero_grad()
        loss = (model.weight * torch.tensor([[1.0, 0.0], [-0.5, step]])).sum()
        (loss + penalty_of(L2(coef), model)).backward()
        update.step()
    return model.weight.detach()


def test_value_and_gradient() -> None:
    model = small([[1.0, -2.0], [0.0, 0.5]], bias=[7.0, -7.0])
    penalty = penalty_of(L2(0.3), model)
    assert penalty.item() == pytest.approx(0.15 * 5.25)
    penalty.backward()
    torch.testing.assert_close(model.weight.grad, torch.tensor([[0.3, -0.6], [0.0, 0.15]]))
    assert model.bias.grad is None


def test_all_weights_count_and_norm_layers_do_not() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Linear(4, 3))
    for parameter in model.parameters():
        nn.init.constant_(parameter, -0.5)
    assert penalty_of(L2(0.1), model).item() == pytest.approx(0.05 * 0.25 * (6 + 12))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_with_sgd_it_is_weight_decay(optimizer: str) -> None:
    penalised = after(optimizer, 0.4, 6, lr=0.1)
    torch.testing.assert_close(penalised, after(optimizer, 0.0, 6, lr=0.1, weight_decay=0.4))
    assert (penalised - after(optimizer, 0.0, 6, lr=0.1)).abs().max() > 0.5


def test_with_adam_it_is_not_adamw() -> None:
    # The first step of Adam is the rate, whatever the size of the gradient.
    penalised = after("adam", 0.4, 1, lr=0.1)
    expected = torch.tensor([[1 - 0.1, -2 + 0.1], [3 - 0.1, 0.5 - 0.1]])
    torch.testing.assert_close(penalised, expected)
    decayed = after("adamw", 0.0, 1, lr=0.1, weight_decay=0.4)
    expected = torch.tensor([[0.96 - 0.1, -1.92], [2.88 + 0.1, 0.48]])
    torch.testing.assert_close(decayed, expected)


def test_without_a_trainable_weight_there_is_no_penalty() -> None:
    assert penalty_of(L2(0.1), nn.LayerNorm(3)).item() == 0


@pytest.mark.parametrize("coef", [-0.1, float("nan"), float("inf")])
def test_a_coefficient_outside_its_range_is_refused(coef: float) -> None:
    with pytest.raises(ValueError, match="coef must"):
        L2(coef)


def test_half_precision_neither_overflows_nor_underflows() -> None:
    model = small([[300.0, 1e-4]], bias=[0.0]).half()
    assert penalty_of(L2(2.0), model).item() == pytest.approx(90000, rel=1e-6)
    with torch.no_grad():
        model.weight[0, 0] = 0
    assert penalty_of(L2(2.0), model).item() == pytest.approx(1e-8, rel=2e-3)


@pytest.mark.parametrize("coef", [0.3, 4.0])
def test_descent_ends_at_the_closed_form_of_ridge_regression(coef: float) -> None:
    x, y = problem()
    model = descended(L2(coef), x, y)
    centred = x - x.mean(0)
    system = centred.T @ centred * 2 / len(x) + coef * torch.eye(x.shape[1]).double()
    expected = torch.linalg.solve(system, centred.T @ (y - y.mean()) * 2 / len(x))
    torch.testing.assert_close(model.weight.detach().flatten(), expected, rtol=0, atol=1e-10)
