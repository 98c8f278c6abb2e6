"""Falls at chosen times."""

from math import inf, nan
from typing import Any

import pytest
import torch
from curve import factors, rates
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, StepLR

from seedbed.scheduler.step import Step


def reference(make: Any, epochs: int) -> list[float]:
    """Return torch's rate of every epoch."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler: LRScheduler = make(optimizer)
    curve = []
    for _ in range(epochs):
        curve.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return curve


def by_epoch(schedule: Step, epochs: int) -> list[float]:
    """Return our rate at the first and last step of every epoch, which must be the same."""
    curve = [rate for (rate,) in rates(schedule, 3 * epochs, total=99, per_epoch=3, lrs=[0.3])]
    assert curve[::3] == curve[1::3] == curve[2::3]
    return curve[::3]


def test_it_is_torch_s() -> None:
    expected = reference(lambda o: StepLR(o, 4, gamma=0.3), 13)
    assert by_epoch(Step(0.3, every=4), 13) == pytest.approx(expected)
    expected = reference(lambda o: MultiStepLR(o, [2, 3, 9], gamma=0.2), 13)
    assert by_epoch(Step(0.2, milestones=[2, 3, 9]), 13) == pytest.approx(expected)


def test_by_hand() -> None:
    assert factors(Step(0.5, every=1.5), 7, total=9, per_epoch=2) == [
        *(1, 1, 1),
        *(0.5, 0.5, 0.5),
        0.25,
    ]


def test_milestones_count_from_the_start_and_stairs_from_the_warm_up() -> None:
    late = factors(Step(0.5, milestones=[3], warmup=2), 5, total=9, per_epoch=1)
    assert late == [0.5, 1, 1, 0.5, 0.5]
    stairs = factors(Step(0.5, every=1, warmup=2), 5, total=9, per_epoch=1)
    assert stairs == [0.5, 1, 1, 0.5, 0.25]


@pytest.mark.parametrize("wrong", [{"gamma": 0}, {"gamma": 1.1}, {"gamma": nan}, {"every": inf}])
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Step(**wrong)


@pytest.mark.parametrize("wrong", [[], [0, 2], [3, 2], [2, 2], [nan], [1, inf]])
def test_milestones_must_rise(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="milestones must be rising"):
        Step(milestones=wrong)


def test_no_milestone_lies_in_the_warm_up() -> None:
    with pytest.raises(ValueError, match="must not lie in the warm-up"):
        Step(milestones=[1], warmup=2)
