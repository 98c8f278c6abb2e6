"""RMSProp in closed form."""

import pytest
from descent import walk


def test_a_constant_gradient() -> None:
    path = walk("rmsprop", [7.0], steps=4, lr=0.1, alpha=0.9)
    steps = [(1 - 0.9**k) ** -0.5 for k in range(1, 5)]
    assert path == pytest.approx([-0.1 * sum(steps[:t]) for t in range(1, 5)], rel=1e-7)


def test_the_first_step_at_the_defaults_is_ten_times_the_rate() -> None:
    assert walk("rmsprop", [-3.0], steps=1) == pytest.approx([0.01], rel=1e-6)


def test_eps_is_added_to_the_root() -> None:
    path = walk("rmsprop", [2.0], steps=1, lr=0.1, alpha=0.75, eps=1.0)
    assert path == pytest.approx([-0.1 * 2 / (1 + 1)])


def test_momentum_is_of_the_divided_gradient() -> None:
    path = walk("rmsprop", [1.0], steps=2, lr=0.1, alpha=0.75, eps=0.0, momentum=0.5)
    first, second = 1 / 0.5, 1 / (1 - 0.75**2) ** 0.5
    assert path == pytest.approx([-0.1 * first, -0.1 * (1.5 * first + second)])
