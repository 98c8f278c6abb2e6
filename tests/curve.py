"""Learning rates as an optimizer sees them."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from seedbed.types import Clock, Schedule


def rates(
    schedule: Schedule, steps: int, *, total: float, per_epoch: int, lrs: Sequence[float] = (1.0,)
) -> list[list[float]]:
    """Return the rate of every group at every step, the first before any update."""
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": lr} for lr in lrs]
    optimizer = torch.optim.SGD(groups)
    scheduler = LambdaLR(optimizer, lambda step: schedule(Clock(step, total, per_epoch)))
    curve = []
    for _ in range(steps):
        curve.append([float(group["lr"]) for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return curve


def factors(schedule: Schedule, steps: int, *, total: float, per_epoch: int) -> list[float]:
    """Return the factor at every step."""
    return [rate for (rate,) in rates(schedule, steps, total=total, per_epoch=per_epoch)]
