"""Falls when the monitor stands still, against torch's and in a whole training."""

from math import inf, nan
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from seedbed.scheduler.plateau import Plateau
from seedbed.types import Clock

NOISY = [9, 8, 8.5, 7.9995, 7.9, 9, 9, 9, nan, 7.8, 7.8, 7.8, 7.8, 7.7, 8, 8, 8, 8, 8, 8, 8, 8, 8]


def ours(values: list[float], lr: float = 0.3, **options: Any) -> list[float]:
    schedule, curve = Plateau("val/loss", **options), []
    for step, value in enumerate(values):
        clock = Clock(step, inf, 1, lr)
        schedule.observe(value, clock)
        curve.append(lr * schedule(clock))
    return curve


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("cooldown", [0, 2])
@pytest.mark.parametrize("threshold", [1e-4, 0.0, 0.02])
def test_it_is_torch_s(mode: Any, patience: int, cooldown: int, threshold: float) -> None:
    options: dict[str, Any] = {
        "mode": mode,
        "factor": 0.4,
        "patience": patience,
        "cooldown": cooldown,
        "threshold": threshold,
        "min_lr": 0.004,
    }
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    reference = ReduceLROnPlateau(optimizer, **options)
    values = NOISY if mode == "min" else [20 - value for value in NOISY]
    expected = []
    for value in values:
        reference.step(value)
        expected.append(optimizer.param_groups[0]["lr"])
    assert len(set(expected)) > 1
    assert ours(values, **options) == pytest.approx(expected, rel=1e-12)


def test_by_hand() -> None:
    curve = ours([5, 4, 4, 4, 4, 4, 4, 3, 3], lr=1.0, factor=0.5, patience=1)
    assert curve == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]


def test_a_negative_metric_must_truly_improve() -> None:
    """torch multiplies the best: of -2 it would take -2.01 for better when more is better."""
    assert ours([-2, -2.01, -2.01], lr=1.0, mode="max", threshold=0.1, patience=1)[-1] == 0.1


def test_groups_fall_together_until_the_least_rate() -> None:
    schedule = Plateau("val/loss", factor=0.1, patience=0, min_lr=0.005)
    for _ in range(2):
        schedule.observe(1.0, Clock(0, inf, 1))
    assert [lr * schedule(Clock(0, inf, 1, lr)) for lr in (1.0, 0.1, 0.02, 0.001)] == pytest.approx(
        [0.1, 0.01, 0.005, 0.001]
    )


def test_nothing_is_counted_in_the_warm_up() -> None:
    schedule = Plateau("val/loss", factor=0.5, patience=0, warmup=2)
    curve = []
    for step in range(4):
        curve.append(schedule(Clock(step, inf, 1)))
        schedule.observe(1.0, Clock(step + 1, inf, 1))
    assert curve == [0.5, 1, 1, 0.5]


def test_resumed_is_uninterrupted() -> None:
    whole, half = (Plateau("val/loss", patience=1, cooldown=2) for _ in range(2))
    curves: list[list[float]] = [[], []]
    for step, value in enumerate(NOISY):
        clock = Clock(step, inf, 1)
        if step in (6, 11, 16):
            saved = half.state_dict()
            half = Plateau("val/loss", patience=1, cooldown=2)
            half.load_state_dict(saved)
        for each, curve in zip((whole, half), curves, strict=True):
            each.observe(value, clock)
            curve.append(each(clock))
    assert curves[0] == curves[1]
    assert len(set(curves[0])) > 2


@pytest.mark.parametrize(
    "wrong",
    [
        *({"factor": 1.0}, {"factor": 0.0}, {"factor": nan}, {"patience": -1}, {"mode": "up"}),
        *({"threshold": -1}, {"cooldown": -1}, {"min_lr": nan}, {"min_lr": -1e-3}),
    ],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Plateau("val/loss", **wrong)
