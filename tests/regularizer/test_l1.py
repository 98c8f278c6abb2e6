"""The L1 penalty by hand."""

import pytest
import torch
from penalised import penalty_of, small
from torch import nn

from seedbed.regularizer.l1 import L1


def test_value_and_gradient() -> None:
    model = small([[1.0, -2.0], [0.0, 0.5]], bias=[7.0, -7.0])
    penalty = penalty_of(L1(0.2), model)
    assert penalty.item() == pytest.approx(0.7)
    penalty.backward()
    torch.testing.assert_close(model.weight.grad, torch.tensor([[0.2, -0.2], [0.0, 0.2]]))
    assert model.bias.grad is None


def test_all_weights_count_and_norm_layers_do_not() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Linear(4, 3))
    for parameter in model.parameters():
        nn.init.constant_(parameter, -0.5)
    assert penalty_of(L1(0.1), model).item() == pytest.approx(0.1 * 0.5 * (6 + 12))


def test_without_a_trainable_weight_there_is_no_penalty() -> None:
    assert penalty_of(L1(0.1), nn.LayerNorm(3)).item() == 0


def test_a_negative_coefficient_is_refused() -> None:
    with pytest.raises(ValueError, match="coef must"):
        L1(-0.1)
