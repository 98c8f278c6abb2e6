"""AdamW: decay apart from the gradient."""

import pytest
from descent import walk


def test_without_gradient_weights_decay_geometrically() -> None:
    path = walk("adamw", [0.0], start=5.0, steps=4, lr=0.1, weight_decay=0.3)
    assert path == pytest.approx([5 * 0.97**t for t in range(1, 5)], rel=1e-12)


def test_decay_comes_before_the_step() -> None:
    path = walk("adamw", [1.0], start=2.0, steps=2, lr=0.1, weight_decay=0.5, eps=0.0)
    assert path == pytest.approx([2 * 0.95 - 0.1, 1.8 * 0.95 - 0.1])


def test_without_decay_it_is_adam() -> None:
    gradients = [0.3, -2.0, 0.7]
    adam = walk("adam", gradients, steps=3, lr=0.05)
    assert walk("adamw", gradients, steps=3, lr=0.05, weight_decay=0.0) == adam


def test_decay_inside_the_gradient_is_something_else() -> None:
    inside = walk("adam", [0.0], start=5.0, steps=1, lr=0.1, weight_decay=0.3)
    apart = walk("adamw", [0.0], start=5.0, steps=1, lr=0.1, weight_decay=0.3)
    assert inside == pytest.approx([4.9])  # a step of the rate, whatever the decay
    assert apart == pytest.approx([4.85])


def test_the_default_decay() -> None:
    assert walk("adamw", [0.0], start=1.0, steps=1) == pytest.approx([1 - 1e-3 * 0.01], rel=1e-12)
