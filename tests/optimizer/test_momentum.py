"""Momentum by hand and in closed form."""

import pytest
import torch
from descent import BEST, H, quadratic, walk


def test_a_constant_gradient() -> None:
    path = walk("momentum", [1.0], steps=4, lr=0.1, momentum=0.9)
    assert path == pytest.approx([-0.1, -0.29, -0.561, -0.9049])


def test_the_rate_multiplies_the_velocity_not_the_gradient() -> None:
    path = walk("momentum", [1.0], steps=3, rates=[0.1, 0.01, 0.01], lr=0.1, momentum=0.9)
    assert path == pytest.approx([-0.1, -0.119, -0.1461])  # v ← γv - ηg gives -.1, -.2, -.3


def test_without_momentum_it_is_sgd() -> None:
    options = {"start": [4.0, 0.5], "steps": 5, "lr": 0.2}
    assert walk("momentum", quadratic, momentum=0.0, **options) == walk("sgd", quadratic, **options)


def test_a_quadratic_in_closed_form() -> None:
    lr, gamma = 0.2, 0.6
    one = torch.eye(2).double()
    # (w - best, v) ← ((1 - ηH)(w - best) - ηγ v, H (w - best) + γ v)
    turn = torch.cat(
        [torch.cat([one - lr * H, -lr * gamma * one], 1), torch.cat([H, gamma * one], 1)]
    )
    state = torch.cat([torch.tensor([4.0, 0.5]).double() - BEST, torch.zeros(2).double()])
    path = walk("momentum", quadratic, start=[4.0, 0.5], steps=8, lr=lr, momentum=gamma)
    for t, w in enumerate(path, 1):
        expected = BEST + (torch.linalg.matrix_power(turn, t) @ state)[:2]
        assert w == pytest.approx(expected.tolist(), abs=1e-12)
