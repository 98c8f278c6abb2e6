"""Steps of one length."""

import pytest
import torch
from descent import walk
from torch import Tensor, nn

from seedbed.optimizer.normalized import Normalized


def test_half_a_square_by_hand() -> None:
    path = walk("normalized", lambda w: w, start=5.25, steps=14, lr=0.5)
    assert path == pytest.approx(
        [5.25 - 0.5 * t for t in range(1, 11)] + [-0.25, 0.25, -0.25, 0.25]
    )


def test_the_norm_is_over_all_groups_and_each_has_its_rate() -> None:
    a, b, still = (nn.Parameter(torch.zeros(n)) for n in (1, 2, 1))
    optimizer = Normalized([{"params": [a, still]}, {"params": [b], "lr": 0.5}], lr=0.1)
    a.grad, b.grad = torch.tensor([3.0]), torch.tensor([4.0, 12.0])
    optimizer.step()
    assert a.tolist() == pytest.approx([-0.3 / 13])
    assert b.tolist() == pytest.approx([-2 / 13, -6 / 13])
    assert still.tolist() == [0]


@pytest.mark.parametrize("size", [1e-30, 1e-3, 1e30])
def test_the_size_of_the_gradient_does_not_matter(size: float) -> None:
    w = nn.Parameter(torch.zeros(2))
    w.grad = size * torch.tensor([0.6, 0.8])
    Normalized([w], lr=2.0).step()
    assert w.tolist() == pytest.approx([-1.2, -1.6])


def test_half_precision_does_not_overflow() -> None:
    w = nn.Parameter(torch.zeros(400, dtype=torch.float16))
    w.grad = torch.full_like(w, 1000.0)
    Normalized([w], lr=20.0).step()
    assert w.tolist() == pytest.approx([-1.0] * 400, rel=1e-3)


def test_no_gradient_no_step() -> None:
    w = nn.Parameter(torch.tensor([3.0, 4.0]))
    w.grad = torch.zeros(2)
    Normalized([w], lr=0.5).step()
    assert w.tolist() == [3, 4]


def test_a_gradient_that_is_not_finite_is_not_hidden() -> None:
    w = nn.Parameter(torch.zeros(2))
    w.grad = torch.tensor([1.0, float("nan")])
    Normalized([w], lr=0.5).step()
    assert w.isnan().all()


def test_weight_decay_is_that_of_a_penalty() -> None:
    def slope(w: Tensor) -> Tensor:
        return torch.tensor([1.0, -2.0], dtype=torch.float64) + 0.3 * w

    plain = walk("normalized", slope, start=[2.0, 1.0], steps=5, lr=0.1)
    decayed = walk(
        "normalized",
        lambda w: slope(w) - 0.3 * w,
        start=[2.0, 1.0],
        steps=5,
        lr=0.1,
        weight_decay=0.3,
    )
    assert decayed[-1] == pytest.approx(plain[-1], rel=1e-12)
