"""`seedbed.task._watch`."""

import math

import pytest
import torch

from seedbed.task._watch import Watch


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_is_judged_at_once_on_the_cpu(value: float) -> None:
    watch = Watch()
    assert watch.finite(torch.tensor(1.0))
    assert not watch.finite(torch.tensor(value))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_value_is_judged_one_step_late_on_a_gpu() -> None:
    watch = Watch()
    values = [1.0, math.nan, 2.0, 3.0]
    judged = [watch.finite(torch.tensor(value, device="cuda")) for value in values]
    assert judged == [True, True, False, True]
