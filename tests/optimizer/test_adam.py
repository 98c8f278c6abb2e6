"""Adam against its paper."""

import pytest
from descent import quadratic, walk

GRADIENTS = [0.3, -2.0, 0.0, 0.7, 5.0]


def paper(gradients: list[float], lr: float, b1: float, b2: float, eps: float) -> list[float]:
    """Return the path of algorithm 1 of Kingma & Ba 2015 from 0."""
    w = m = v = 0.0
    path = []
    for t, g in enumerate(gradients, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        w -= lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)) ** 0.5 + eps)
        path.append(w)
    return path


@pytest.mark.parametrize("gradient", [1.0, -300.0, 2e-4])
def test_a_constant_gradient_moves_by_the_rate(gradient: float) -> None:
    sign = -1 if gradient > 0 else 1
    path = walk("adam", [gradient], steps=4, lr=0.1)
    assert path == pytest.approx([sign * 0.1 * t for t in range(1, 5)], rel=1e-3)


def test_a_gradient_of_size_eps_moves_by_half_the_rate() -> None:
    assert walk("adam", [1e-8], steps=1, lr=0.1) == pytest.approx([-0.05])


def test_against_the_paper() -> None:
    options = {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3}
    assert walk("adam", GRADIENTS, steps=5, **options) == pytest.approx(
        paper(GRADIENTS, 0.02, 0.8, 0.95, 1e-3), rel=1e-12
    )


def test_the_defaults_are_the_paper_s() -> None:
    assert walk("adam", GRADIENTS, steps=5) == pytest.approx(
        paper(GRADIENTS, 0.001, 0.9, 0.999, 1e-8), rel=1e-12
    )


def test_it_reaches_a_minimum() -> None:
    assert walk("adam", quadratic, start=[0.0, 0.0], steps=900, lr=0.02)[-1] == pytest.approx(
        [1, -2], abs=1e-4
    )
