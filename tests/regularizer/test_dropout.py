"""Dropout is set on every layer of it."""

import math

import pytest
import torch
from torch import nn

from seedbed.regularizer.dropout import Dropout
from seedbed.types import Spec

SPEC = Spec((2,), "class", 2, ("a", "b"))


def test_every_kind_of_layer_gets_it() -> None:
    model = nn.Sequential(
        nn.Dropout(0.0), nn.Sequential(nn.Dropout2d(0.9), nn.AlphaDropout(0.1)), nn.Linear(2, 2)
    )
    Dropout(0.3).prepare(model, SPEC)
    assert [m.p for m in model.modules() if hasattr(m, "p")] == [0.3, 0.3, 0.3]


def test_that_share_is_zeroed_the_mean_stays_and_evaluation_is_untouched() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Dropout(0.0))
    Dropout(0.3).prepare(model, SPEC)
    out = model(torch.ones(100_000))
    error = math.sqrt(0.3 * 0.7 / 100_000)
    assert abs((out == 0).float().mean().item() - 0.3) < 4 * error
    assert abs(out.mean().item() - 1) < 4 * error / 0.7
    assert torch.equal(model.eval()(torch.ones(9)), torch.ones(9))


def test_a_model_without_a_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="no dropout layer"):
        Dropout().prepare(nn.Linear(2, 2), SPEC)


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_a_share_outside_its_range_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="p must lie in"):
        Dropout(p)
