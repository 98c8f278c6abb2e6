"""Gaussian initialisation."""

import math
from typing import Any

import pytest
import torch
from spread import assert_std, rms_after_10_layers
from torch import nn

from seedbed.init.gaussian import Gaussian
from seedbed.model.mlp import MLP
from seedbed.types import Spec

SPEC = Spec((1,), "value", 1)


@pytest.mark.parametrize("std", [0.01, 1.0, 3.0])
@pytest.mark.parametrize("layer", [nn.Linear(300, 500), nn.Conv2d(24, 90, (3, 5))])
def test_std(layer: Any, std: float) -> None:
    torch.manual_seed(0)
    Gaussian(std)(layer, SPEC)
    assert_std(layer.weight, std)


def test_std_1_multiplies_signals_by_the_root_of_the_width_a_layer() -> None:
    grown = rms_after_10_layers(Gaussian(1.0), nn.Identity()) ** 0.1
    assert grown == pytest.approx(math.sqrt(512), rel=0.03)


def test_one_over_the_width_read_as_a_std_lets_signals_die() -> None:
    # √512/512 a layer: 2.9e-14
    assert rms_after_10_layers(Gaussian(1 / 512), nn.Identity()) == pytest.approx(512**-5, rel=0.3)


@pytest.mark.parametrize("norm", ["none", "weight"])
def test_zeros_are_zeros_under_weight_norm_too(norm: Any) -> None:
    model = MLP((3,), 2, widths=[4], norm=norm)
    Gaussian(0.0)(model, SPEC)
    x = torch.randn(5, 3)
    assert torch.equal(model(x), torch.zeros(5, 2))
    model(x).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("std", [-0.1, math.inf, math.nan])
def test_arguments_outside_their_range_are_refused(std: float) -> None:
    with pytest.raises(ValueError, match="std must be at least 0"):
        Gaussian(std)
