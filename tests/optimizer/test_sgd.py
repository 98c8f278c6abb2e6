"""Stochastic gradient descent by hand and in closed form."""

import pytest
import torch
from descent import BEST, H, quadratic, walk
from torch import Tensor


def slope(w: Tensor) -> Tensor:
    return 2 * (w - 3)  # of (w - 3)²


def test_a_parabola_by_hand() -> None:
    path = walk("sgd", slope, steps=3, lr=0.1)
    assert path == pytest.approx([0.6, 1.08, 1.464])
    losses = [(w - 3) ** 2 for w in [0.0, *path]]
    assert losses == pytest.approx([9, 5.76, 3.6864, 2.359296])


def test_too_large_a_rate_diverges() -> None:
    (w,) = walk("sgd", slope, steps=1, lr=1.1)
    assert w == pytest.approx(6.6)
    assert (w - 3) ** 2 == pytest.approx(12.96)


def test_a_quadratic_in_closed_form() -> None:
    path = walk("sgd", quadratic, start=[4.0, 0.5], steps=9, lr=0.17)
    start = torch.tensor([4.0, 0.5], dtype=torch.float64)
    for t, w in enumerate(path, 1):
        shrink = torch.linalg.matrix_power(torch.eye(2).double() - 0.17 * H, t)
        assert w == pytest.approx((BEST + shrink @ (start - BEST)).tolist(), abs=1e-12)


def test_weight_decay_adds_to_the_gradient() -> None:
    path = walk("sgd", [0.5], start=2.0, steps=2, lr=0.1, weight_decay=0.3)
    assert path == pytest.approx([2 - 0.1 * (0.5 + 0.6), 1.89 - 0.1 * (0.5 + 0.567)])
