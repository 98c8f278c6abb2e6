"""Adagrad in closed form."""

import pytest
from descent import walk


def test_a_constant_gradient() -> None:
    for g in (1.0, 250.0):
        path = walk("adagrad", [g], steps=5, lr=0.1)
        sums = [sum(k**-0.5 for k in range(1, t + 1)) for t in range(1, 6)]
        assert path == pytest.approx([-0.1 * s for s in sums])


def test_by_hand() -> None:
    path = walk("adagrad", [3.0, -4.0], steps=2, lr=0.5)
    assert path == pytest.approx([-0.5, -0.5 + 0.5 * 4 / 5])


def test_weight_decay_adds_to_the_gradient() -> None:
    path = walk("adagrad", [0.5, 0.0], start=2.0, steps=2, lr=0.1, weight_decay=0.5)
    second = 1.9 - 0.1 * 0.95 / (1.5**2 + 0.95**2) ** 0.5
    assert path == pytest.approx([1.9, second])
