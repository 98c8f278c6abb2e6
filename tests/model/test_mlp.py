"""The multi-layer perceptron by hand, and its dropout."""

import math

import pytest
import torch
from torch import nn

from seedbed.model.mlp import MLP


def test_by_hand() -> None:
    model = MLP((2,), 1, widths=[3])
    model.load_state_dict(
        {
            "body.1.weight": torch.tensor([[1.0, 1.0], [1.0, -1.0], [0.0, 2.0]]),
            "body.1.bias": torch.tensor([0.0, 0.0, -1.0]),
            "head.weight": torch.tensor([[1.0, 10.0, 100.0]]),
            "head.bias": torch.tensor([0.5]),
        }
    )
    x = torch.tensor([[3.0, 2.0], [1.0, 4.0]])  # hidden (5, 1, 3) and (5, -3, 7)
    assert model(x).tolist() == [[315.5], [705.5]]


def test_without_hidden_layers_it_is_linear() -> None:
    assert [tuple(p.shape) for p in MLP((1, 3, 2), 4, widths=[]).parameters()] == [(4, 6), (4,)]


def test_widths() -> None:
    shapes = [tuple(p.shape) for p in MLP((2, 3), 4, widths=[7, 5]).parameters() if p.ndim == 2]
    assert shapes == [(7, 6), (5, 7), (4, 5)]


def test_dropout_keeps_the_mean_and_zeroes_a_share_p() -> None:
    p, n = 0.3, 40_000
    model = MLP((1,), 1, widths=[n], dropout=p)
    nn.init.ones_(model.get_parameter("body.1.weight"))
    nn.init.zeros_(model.get_parameter("body.1.bias"))
    torch.manual_seed(0)
    hidden = model.body(torch.ones(1, 1))[0]
    error = math.sqrt(p * (1 - p) / n)
    assert abs((hidden == 0).double().mean().item() - p) < 4 * error
    assert abs(hidden.mean().item() - 1) < 4 * error / (1 - p)
    assert hidden.max().item() == pytest.approx(1 / 0.7)
    assert model.eval().body(torch.ones(1, 1)).tolist() == [[1.0] * n]


def test_arguments_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="widths must"):
        MLP((2,), 2, widths=[4, 0])
    with pytest.raises(ValueError, match="dropout must"):
        MLP((2,), 2, dropout=1.0)
