"""Orthogonal initialisation."""

import math
from typing import Any

import pytest
import torch
from spread import rms_after_10_layers
from torch import nn

from seedbed.init.orthogonal import Orthogonal
from seedbed.types import Spec

SPEC = Spec((1,), "value", 1)


@pytest.mark.parametrize("gain", [1.0, 2**0.5])
@pytest.mark.parametrize(
    "layer", [nn.Linear(7, 7), nn.Linear(20, 9), nn.Linear(9, 20), nn.Conv2d(3, 8, (3, 5))], ids=str
)
def test_the_smaller_side_is_orthonormal(layer: Any, gain: float) -> None:
    layer = layer.double()
    Orthogonal(gain)(layer, SPEC)
    q = layer.weight.detach().flatten(1) / gain
    q = q if len(q) >= q.shape[1] else q.T
    torch.testing.assert_close(q.T @ q, torch.eye(q.shape[1], dtype=q.dtype))


def test_rotations_are_not_all_the_same_sign() -> None:
    """QR alone gives an R whose signs are not uniform; drawn rightly, entries have mean 0."""
    torch.manual_seed(0)
    layer = nn.Linear(2, 2)
    drawn = []
    for _ in range(2000):
        Orthogonal()(layer, SPEC)
        drawn.append(layer.weight.detach().clone())
    mean = torch.stack(drawn).mean(0)
    assert mean.abs().max().item() < 4 * math.sqrt(0.5 / 2000)


def test_signals_keep_their_size_exactly_through_linear_layers() -> None:
    layers = [nn.Linear(30, 30) for _ in range(10)]
    model = nn.Sequential(*layers)
    Orthogonal()(model, SPEC)
    x = torch.randn(8, 30)
    torch.testing.assert_close(model(x).norm(dim=1), x.norm(dim=1))
    assert rms_after_10_layers(Orthogonal(), nn.Identity()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("gain", [0.0, -1.0, math.inf, math.nan])
def test_arguments_outside_their_range_are_refused(gain: float) -> None:
    with pytest.raises(ValueError, match="gain must be positive"):
        Orthogonal(gain)
