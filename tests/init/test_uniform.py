"""Uniform initialisation."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from seedbed.init.uniform import Uniform
from seedbed.types import Spec

SPEC = Spec((1,), "value", 1)


@pytest.mark.parametrize("a", [0.05, 2.0])
@pytest.mark.parametrize("layer", [nn.Linear(300, 500), nn.Conv2d(24, 90, (3, 5))])
def test_std_and_bounds(layer: Any, a: float) -> None:
    torch.manual_seed(0)
    Uniform(a)(layer, SPEC)
    w = layer.weight.detach().double()
    std, n = a / math.sqrt(3), w.numel()
    assert abs(w.mean().item()) < 4 * std / math.sqrt(n)
    # the variance of a uniform sample's variance: (E x⁴ - σ⁴) / n = (1/5 - 1/9) a⁴ / n
    error = math.sqrt((1 / 5 - 1 / 9) * a**4 / n) / (2 * std)
    assert abs(w.std().item() - std) < 4 * error
    assert 0.999 * a < w.abs().max().item() <= a


@pytest.mark.parametrize("a", [-0.1, math.inf, math.nan])
def test_arguments_outside_their_range_are_refused(a: float) -> None:
    with pytest.raises(ValueError, match="a must be at least 0"):
        Uniform(a)
