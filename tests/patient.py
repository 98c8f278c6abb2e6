"""Trainings drawn by hand: curves in closed form, 20 updates an epoch, ten classes alike."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seedbed.doctor import Case, Curve

BASE = math.log(10)
PER_EPOCH = 20
FACTS = {"kind": "class", "classes": 10, "counts": [140] * 10, "base": BASE, "per_epoch": PER_EPOCH}
CONFIG = {
    "optimizer": {"_target_": "torch.optim.Adam", "lr": 0.001, "weight_decay": 0.0},
    "model": {"_target_": "seedbed.model.mlp.MLP", "widths": [128], "activation": "relu"},
    "data": {"batch_size": 64, "fraction": 1.0},
    "trainer": {"max_epochs": 30},
    "callback": {},
    "regularizer": {},
}


def curve(values: Sequence[float] | np.ndarray, every: float = PER_EPOCH) -> Curve:
    """Return a curve with a value every so many updates."""
    values = np.asarray(values, float)
    steps = np.asarray(every * np.arange(1, len(values) + 1), float)
    return Curve(steps, values)


def case(
    curves: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Case:
    """Return a training with these curves; lists have a value an epoch, facts are added."""
    drawn = {k: v if isinstance(v, Curve) else curve(v) for k, v in curves.items()}
    return Case(drawn, FACTS | dict(facts or {}), CONFIG if config is None else config)


def decay(n: int, start: float = 1.0, end: float = 0.01, times: float = 5.0) -> np.ndarray:
    """Return a loss by epoch that falls from a share of guessing to another, exponentially."""
    t = np.arange(n) / max(1, n - 1)
    return BASE * (end + (start - end) * np.exp(-times * t))


def looks(value: float, n: int = 10, first: float | None = None) -> Curve:
    """Return what `n` looks have seen: the same each time, but perhaps the first."""
    values = np.full(n, value)
    values[0] = value if first is None else first
    return Curve(np.append([1.0], 50.0 * np.arange(1, n)), values)
