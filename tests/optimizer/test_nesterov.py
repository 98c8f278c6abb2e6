"""Nesterov's momentum by hand."""

import pytest
from descent import quadratic, walk


def test_the_first_step_is_longer_by_the_momentum() -> None:
    assert walk("nesterov", [2.0], steps=1, lr=0.1, momentum=0.9) == pytest.approx([-0.2 * 1.9])


def test_sutskever_s_form_at_the_point_looked_ahead_to() -> None:
    """v ← γv - η g(θ + γv), θ ← θ + v; torch keeps θ + γv."""
    lr, gamma, theta, v = 0.05, 0.7, [4.0, 0.5], [0.0, 0.0]
    path = walk("nesterov", quadratic, start=[4.0, 0.5], steps=6, lr=lr, momentum=gamma)
    for w in path:
        ahead = [t + gamma * s for t, s in zip(theta, v, strict=True)]
        x, y = ahead[0] - 1, ahead[1] + 2
        v = [gamma * v[0] - lr * (3 * x + y), gamma * v[1] - lr * (x + 2 * y)]
        theta = [t + s for t, s in zip(theta, v, strict=True)]
        looked = [t + gamma * s for t, s in zip(theta, v, strict=True)]
        assert w == pytest.approx(looked, abs=1e-12)
