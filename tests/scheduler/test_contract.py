"""What every schedule promises."""

from itertools import pairwise

import pytest
import torch
from curve import factors, rates
from option import build, names
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from seedbed.types import Clock

TOTAL, EPOCH = 20, 4


@pytest.mark.parametrize("warmup", [0, 1.5])
@pytest.mark.parametrize("name", names("scheduler"))
def test_it_never_rises_again(name: str, warmup: float) -> None:
    schedule = build("scheduler", name, warmup=warmup)
    curve = factors(schedule, 3 * TOTAL, total=TOTAL, per_epoch=EPOCH)
    steps = round(warmup * EPOCH)
    assert curve[:steps] == pytest.approx([(k + 1) / 6 for k in range(steps)])
    assert curve[steps] == 1
    assert all(0 <= later <= earlier for earlier, later in pairwise(curve[steps:]))


@pytest.mark.parametrize("name", names("scheduler"))
def test_groups_keep_their_ratios(name: str) -> None:
    schedule = build("scheduler", name, warmup=1)
    for slow, fast in rates(schedule, TOTAL, total=TOTAL, per_epoch=EPOCH, lrs=[0.02, 0.1]):
        assert fast == pytest.approx(5 * slow)


@pytest.mark.parametrize("name", names("scheduler"))
def test_resumed_is_uninterrupted(name: str) -> None:
    schedule = build("scheduler", name, warmup=1)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)

    def fresh() -> LambdaLR:
        return LambdaLR(optimizer, lambda step: schedule(Clock(step, TOTAL, EPOCH)))

    scheduler, curve = fresh(), []
    for step in range(TOTAL):
        if step == 9:
            saved, kept = scheduler.state_dict(), optimizer.state_dict()
            scheduler = fresh()
            optimizer.load_state_dict(kept)
            scheduler.load_state_dict(saved)
        curve.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    expected = [0.3 * f for f in factors(schedule, TOTAL, total=TOTAL, per_epoch=EPOCH)]
    assert curve == pytest.approx(expected)


@pytest.mark.parametrize("name", names("scheduler"))
def test_it_is_a_function_of_the_clock_alone(name: str) -> None:
    schedule = build("scheduler", name)
    forwards = [schedule(Clock(step, TOTAL, EPOCH)) for step in range(TOTAL)]
    backwards = [schedule(Clock(step, TOTAL, EPOCH)) for step in reversed(range(TOTAL))]
    assert forwards == backwards[::-1]
