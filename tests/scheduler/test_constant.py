"""A constant rate, with and without warm-up."""

from math import inf

import pytest
from curve import factors

from seedbed.scheduler.constant import Constant


def test_every_step() -> None:
    assert factors(Constant(), 7, total=5, per_epoch=2) == [1] * 7
    assert factors(Constant(), 3, total=inf, per_epoch=2) == [1] * 3


def test_warm_up_counts_epochs() -> None:
    expected = [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1, 1]
    assert factors(Constant(1.5), 8, total=100, per_epoch=4) == pytest.approx(expected)


def test_a_warm_up_shorter_than_a_step_is_none() -> None:
    assert factors(Constant(0.1), 2, total=100, per_epoch=4) == [1, 1]


def test_a_negative_warm_up_is_refused() -> None:
    with pytest.raises(ValueError, match="warmup must"):
        Constant(-1)
