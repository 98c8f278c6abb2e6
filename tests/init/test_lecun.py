"""LeCun initialisation."""

import pytest
import torch
from spread import assert_std, rms_after_10_layers
from torch import nn

from seedbed.init.lecun import LeCun
from seedbed.types import Spec

SPEC = Spec((1,), "value", 1)


@pytest.mark.parametrize(
    ("layer", "fan_in"), [(nn.Linear(300, 500), 300), (nn.Conv2d(24, 90, (3, 5)), 360)]
)
def test_std(layer: nn.Module, fan_in: int) -> None:
    torch.manual_seed(0)
    LeCun()(layer, SPEC)
    assert_std(layer.get_parameter("weight"), (1 / fan_in) ** 0.5)


def test_signals_keep_their_size_through_linear_layers() -> None:
    assert rms_after_10_layers(LeCun(), nn.Identity()) == pytest.approx(1, abs=0.3)


def test_signals_shrink_through_relus() -> None:
    assert rms_after_10_layers(LeCun(), nn.ReLU()) == pytest.approx(2**-5, rel=0.3)
