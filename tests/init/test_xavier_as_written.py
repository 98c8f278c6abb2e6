"""Xavier's formula read literally."""

import pytest
import torch
from spread import assert_std, rms_after_10_layers
from torch import nn

from seedbed.init.xavier_as_written import XavierAsWritten
from seedbed.types import Spec

SPEC = Spec((1,), "value", 1)


@pytest.mark.parametrize(
    ("layer", "fans"), [(nn.Linear(300, 500), 800), (nn.Conv2d(24, 90, (3, 5)), 360 + 1350)]
)
def test_std(layer: nn.Module, fans: int) -> None:
    torch.manual_seed(0)
    XavierAsWritten()(layer, SPEC)
    assert_std(layer.get_parameter("weight"), 2**0.5 / fans)


def test_signals_die() -> None:
    # a layer multiplies by √512 · √2/1024 = 1/32: 8.9e-16 after ten
    size = rms_after_10_layers(XavierAsWritten(), nn.Identity())
    assert size == pytest.approx(32.0**-10, rel=0.3)
