"""He initialisation."""

import pytest
import torch
from spread import assert_std, rms_after_10_layers
from torch import nn

from seedbed.init.he import He
from seedbed.types import Spec

SPEC = Spec((1,), "value", 1)


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [(nn.Linear(300, 500), 300), (nn.Conv2d(24, 90, (3, 5)), 360), (nn.Conv1d(64, 50, 7), 448)],
)
def test_std(layer: nn.Module, fan_in: int) -> None:
    torch.manual_seed(0)
    He()(layer, SPEC)
    assert_std(layer.get_parameter("weight"), (2 / fan_in) ** 0.5)


def test_signals_keep_their_size_through_relus() -> None:
    assert rms_after_10_layers(He(), nn.ReLU()) == pytest.approx(1, abs=0.3)


def test_signals_grow_through_linear_layers() -> None:
    assert rms_after_10_layers(He(), nn.Identity()) == pytest.approx(2**5, rel=0.3)
