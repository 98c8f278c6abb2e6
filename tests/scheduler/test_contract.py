"""What every schedule promises."""

from itertools import pairwise
from math import inf, nan
from typing import Any

import pytest
import torch
from curve import factors, rates
from option import build, names, node
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from seedbed.types import Clock

TOTAL, EPOCH = 20, 4
OFFER = {"monitor": "val/loss", "mode": "min"}
ALL = names("scheduler")
WARM = [name for name in ALL if name != "one_cycle"]  # which has its own way up


def schedule_of(name: str, **given: Any) -> Any:
    return build("scheduler", name, offer=OFFER, **given)


def curve_of(name: str, steps: int, **given: Any) -> list[float]:
    return factors(schedule_of(name, **given), steps, total=TOTAL, per_epoch=EPOCH)


def test_only_one_cycle_has_no_warm_up() -> None:
    assert [n for n in ALL if "warmup" not in node("scheduler", n)] == ["one_cycle"]


@pytest.mark.parametrize("warmup", [0, 1.5])
@pytest.mark.parametrize("name", WARM)
def test_it_never_rises_again_after_its_warm_up(name: str, warmup: float) -> None:
    curve = curve_of(name, 3 * TOTAL, warmup=warmup)
    steps = round(warmup * EPOCH)
    assert curve[:steps] == pytest.approx([(k + 1) / 6 for k in range(steps)])
    assert curve[steps] == 1
    assert all(0 <= later <= earlier for earlier, later in pairwise(curve[steps:]))


def test_one_cycle_rises_once_and_never_again() -> None:
    curve = curve_of("one_cycle", 3 * TOTAL)
    top = curve.index(max(curve))
    assert curve[top] == 1
    assert all(earlier < later for earlier, later in pairwise(curve[: top + 1]))
    assert all(0 <= later <= earlier for earlier, later in pairwise(curve[top:]))


@pytest.mark.parametrize("name", ALL)
def test_it_stays_where_the_end_left_it(name: str) -> None:
    if schedule_of(name).needs_end:
        assert len(set(curve_of(name, 3 * TOTAL)[TOTAL:])) == 1


@pytest.mark.parametrize("name", ALL)
def test_groups_keep_their_ratios(name: str) -> None:
    schedule = schedule_of(name)
    for slow, fast in rates(schedule, TOTAL, total=TOTAL, per_epoch=EPOCH, lrs=[0.02, 0.1]):
        assert fast == pytest.approx(5 * slow)


@pytest.mark.parametrize("name", ALL)
def test_resumed_is_uninterrupted(name: str) -> None:
    schedule = schedule_of(name)
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
    assert curve == pytest.approx([0.3 * f for f in curve_of(name, TOTAL)])


@pytest.mark.parametrize("name", ALL)
def test_it_knows_whether_it_needs_an_end(name: str) -> None:
    schedule, endless = schedule_of(name), Clock(3, inf, EPOCH)
    if schedule.needs_end:
        with pytest.raises(ValueError, match="needs an end"):
            schedule(endless)
        with pytest.raises(ValueError, match="needs an end"):
            schedule.check(endless)
    else:
        assert schedule(endless) == schedule(Clock(3, TOTAL, EPOCH))
        schedule.check(endless)


@pytest.mark.parametrize("name", WARM)
def test_a_warm_up_longer_than_training_is_refused(name: str) -> None:
    start = Clock(0, TOTAL, EPOCH)
    schedule_of(name, warmup=4).check(start)
    with pytest.raises(ValueError, match=r"warm-up|longer than"):
        schedule_of(name, warmup=5.25).check(start)


@pytest.mark.parametrize("wrong", [-1, nan, inf])
@pytest.mark.parametrize("name", WARM)
def test_a_warm_up_outside_its_range_is_refused(name: str, wrong: float) -> None:
    with pytest.raises(ValueError, match="warmup must"):
        schedule_of(name, warmup=wrong)


@pytest.mark.parametrize("name", ALL)
def test_it_is_a_function_of_the_clock_alone(name: str) -> None:
    schedule = schedule_of(name)
    forwards = [schedule(Clock(step, TOTAL, EPOCH)) for step in range(TOTAL)]
    backwards = [schedule(Clock(step, TOTAL, EPOCH)) for step in reversed(range(TOTAL))]
    assert forwards == backwards[::-1]
