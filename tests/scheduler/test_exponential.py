"""Exponential decay at every step."""

from fractions import Fraction
from typing import Any

import pytest
from curve import factors

from seedbed.scheduler.exponential import Exponential


def test_in_stairs() -> None:
    curve = factors(Exponential(0.5), 9, total=9, per_epoch=3)
    assert curve == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_50_epochs_at_98_percent() -> None:
    curve = factors(Exponential(0.98), 201, total=200, per_epoch=4)
    assert curve[200] == pytest.approx(0.36417, abs=5e-6)
    assert curve[199] == pytest.approx(0.98**49)


def test_smoothly() -> None:
    curve = factors(Exponential(0.81, staircase=False), 6, total=9, per_epoch=2)
    assert curve == pytest.approx([0.9**step for step in range(6)])


def test_every_few_epochs() -> None:
    curve = factors(Exponential(0.1, every=2), 9, total=9, per_epoch=2)
    assert curve == pytest.approx([1] * 4 + [0.1] * 4 + [0.01])


@pytest.mark.parametrize("every", ["0.1", "0.3", "0.7", "1.1", "1.7", "2.3"])
@pytest.mark.parametrize("per_epoch", [10, 30, 70, 90])
def test_a_share_of_an_epoch_falls_at_its_step(every: str, per_epoch: int) -> None:
    curve = factors(Exponential(0.9, every=float(every)), 300, total=300, per_epoch=per_epoch)
    falls = [int(step / (Fraction(every) * per_epoch)) for step in range(300)]  # without rounding
    assert curve == pytest.approx([0.9**n for n in falls])


def test_it_starts_after_the_warm_up() -> None:
    curve = factors(Exponential(0.5, warmup=1), 7, total=9, per_epoch=2)
    assert curve == [0.5, 1, 1, 1, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("wrong", [{"gamma": 0.0}, {"gamma": 1.01}, {"every": 0}])
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Exponential(**wrong)
