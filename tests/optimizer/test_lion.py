"""Lion against its paper."""

import pytest
from descent import walk

GRADIENTS = [0.3, -2.0, 0.5, 0.0, 5.0, -1.0]


def paper(
    gradients: list[float], start: float, lr: float, b1: float, b2: float, decay: float
) -> list[float]:
    """Return the path of algorithm 2 of Chen et al. 2023."""
    w, m, path = start, 0.0, []
    for g in gradients:
        c = b1 * m + (1 - b1) * g
        w -= lr * ((c > 0) - (c < 0) + decay * w)
        m = b2 * m + (1 - b2) * g
        path.append(w)
    return path


def test_two_steps_by_hand() -> None:
    # m = .01 · 1 after the first; then .9 · .01 - .1 · .08 > 0: the momentum outvotes the gradient
    path = walk("lion", [1.0, -0.08], start=2.0, steps=2, lr=0.1, weight_decay=0.5)
    assert path == pytest.approx([2 - 0.1 * (1 + 1), 1.8 - 0.1 * (1 + 0.9)])


def test_against_the_paper() -> None:
    options = {"lr": 0.03, "betas": (0.7, 0.95), "weight_decay": 0.2}
    path = walk("lion", GRADIENTS, start=1.5, steps=6, **options)
    assert path == pytest.approx(paper(GRADIENTS, 1.5, 0.03, 0.7, 0.95, 0.2), rel=1e-12)


def test_the_defaults_are_the_paper_s() -> None:
    path = walk("lion", GRADIENTS, start=1.5, steps=6)
    assert path == pytest.approx(paper(GRADIENTS, 1.5, 1e-4, 0.9, 0.99, 0.0), rel=1e-12)


def test_no_gradient_no_step() -> None:
    assert walk("lion", [0.0], start=2.0, steps=2, lr=0.1) == [2, 2]
