"""A straight line, and equal stairs."""

from math import nan
from typing import Any

import pytest
import torch
from curve import factors, rates
from torch import nn
from torch.optim.lr_scheduler import LinearLR

from seedbed.scheduler.linear import Linear


def test_a_line_by_hand() -> None:
    assert factors(Linear(), 6, total=4, per_epoch=2) == [1, 0.75, 0.5, 0.25, 0, 0]
    assert factors(Linear(final=0.2), 6, total=4, per_epoch=2) == pytest.approx(
        [1, 0.8, 0.6, 0.4, 0.2, 0.2]
    )


def test_it_is_torch_s() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    reference = LinearLR(optimizer, 1.0, 0.15, total_iters=7)
    expected = []
    for _ in range(10):
        expected.append(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
    curve = rates(Linear(final=0.15), 10, total=7, per_epoch=3, lrs=[0.3])
    assert [rate for (rate,) in curve] == pytest.approx(expected)


def test_stairs_are_clamped_at_zero() -> None:
    curve = factors(Linear(drop=0.3, every=2), 18, total=99, per_epoch=2)
    assert curve == pytest.approx([1] * 4 + [0.7] * 4 + [0.4] * 4 + [0.1] * 4 + [0] * 2, abs=1e-12)
    assert min(curve) == 0


def test_ten_tenths_leave_exactly_nothing() -> None:
    assert factors(Linear(drop=0.1), 12, total=99, per_epoch=1)[10:] == [0, 0]


def test_stairs_stop_at_final() -> None:
    curve = factors(Linear(drop=0.4, final=0.1), 5, total=99, per_epoch=1)
    assert curve == pytest.approx([1, 0.6, 0.2, 0.1, 0.1])


def test_both_start_after_the_warm_up() -> None:
    assert factors(Linear(warmup=2), 6, total=6, per_epoch=1) == pytest.approx(
        [0.5, 1, 1, 0.75, 0.5, 0.25]
    )
    assert factors(Linear(drop=0.5, warmup=2), 5, total=6, per_epoch=1) == [0.5, 1, 1, 0.5, 0]


@pytest.mark.parametrize(
    "wrong",
    [{"final": -0.1}, {"final": 1.1}, {"drop": -0.1}, {"drop": nan}, {"drop": 2}, {"every": 0}],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Linear(**wrong)
