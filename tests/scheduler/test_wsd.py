"""Warm-up, stable, decay at every step."""

from math import cos, pi, sqrt
from typing import Any

import pytest
from curve import factors

from seedbed.scheduler.wsd import WSD
from seedbed.types import Clock

SHARES = [0, 0.25, 0.5, 0.75]
LEFT = {
    "linear": [1 - s for s in SHARES],
    "cosine": [(1 + cos(pi * s)) / 2 for s in SHARES],
    "sqrt": [1 - sqrt(s) for s in SHARES],
}


@pytest.mark.parametrize("shape", LEFT)
def test_the_fall_takes_its_share_of_the_whole_training(shape: Any) -> None:
    schedule = WSD(decay=0.4, shape=shape, final=0.1, warmup=1)
    curve = factors(schedule, 13, total=10, per_epoch=2)
    fall = [0.1 + 0.9 * left for left in LEFT[shape]]
    assert curve == pytest.approx([0.5, 1, 1, 1, 1, 1, *fall, 0.1, 0.1, 0.1])


def test_a_fall_that_starts_between_two_steps() -> None:
    curve = factors(WSD(decay=0.25), 6, total=6, per_epoch=2)  # from step 4.5
    assert curve == pytest.approx([1, 1, 1, 1, 1, 1 - 0.5 / 1.5])


def test_an_extended_training_falls_later() -> None:
    short, long = (factors(WSD(0.5), 8, total=total, per_epoch=2) for total in (4, 8))
    assert short[3] == pytest.approx(0.5)
    assert long[:4] == [1] * 4
    assert long[7] == pytest.approx(0.25)


def test_no_fall_at_all() -> None:
    assert factors(WSD(decay=0), 4, total=4, per_epoch=2) == [1] * 4


def test_a_warm_up_that_leaves_no_room_for_the_fall_is_refused() -> None:
    WSD(decay=0.5, warmup=2).check(Clock(0, 8, 2))
    with pytest.raises(ValueError, match="together longer than the training of 8 steps"):
        WSD(decay=0.5, warmup=2.5).check(Clock(0, 8, 2))


@pytest.mark.parametrize("wrong", [{"decay": 1.1}, {"decay": -0.1}, {"final": 2}, {"shape": "x"}])
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        WSD(**wrong)
