"""Xavier initialisation."""

import pytest
import torch
from spread import assert_std, rms_after_10_layers
from torch import nn

from seedbed.init.xavier import Xavier
from seedbed.types import Spec

SPEC = Spec((1,), "value", 1)


@pytest.mark.parametrize(
    ("layer", "fans"), [(nn.Linear(300, 500), 800), (nn.Conv2d(24, 90, (3, 5)), 360 + 1350)]
)
def test_std(layer: nn.Module, fans: int) -> None:
    torch.manual_seed(0)
    Xavier()(layer, SPEC)
    assert_std(layer.get_parameter("weight"), (2 / fans) ** 0.5)


def test_signals_keep_their_size_through_linear_layers() -> None:
    assert rms_after_10_layers(Xavier(), nn.Identity()) == pytest.approx(1, abs=0.3)
