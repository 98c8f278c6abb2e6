"""The distance of covariances beside a loop and NumPy, and where it must be nothing."""

from itertools import combinations

import numpy as np
import pytest
import torch
from domains import THREE, TWO, step_of
from torch import Tensor, nn

from seedbed.regularizer.coral import CORAL
from seedbed.types import Spec


def coral(spec: Spec = TWO, coef: float = 1.0) -> CORAL:
    made = CORAL(coef)
    made.prepare(nn.Identity(), spec)
    return made


def looped(samples: tuple[Tensor, ...]) -> float:
    d = samples[0].shape[1]
    spread = [np.cov(sample.numpy(), rowvar=False) for sample in samples]
    total = 0.0
    for a, b in combinations(spread, 2):
        for i in range(d):
            for j in range(d):
                total += (a[i, j] - b[i, j]) ** 2 / (4 * d * d)
    return total / (len(samples) * (len(samples) - 1) / 2)


def drawn(*sizes: int) -> tuple[Tensor, list[int]]:
    torch.manual_seed(1)
    parts = [torch.randn(n, 3, dtype=torch.float64) * (k + 1) + 9 for k, n in enumerate(sizes)]
    return torch.cat(parts), [k for k, n in enumerate(sizes) for _ in range(n)]


@pytest.mark.parametrize(("sizes", "spec"), [((5, 8), TWO), ((2, 7), TWO), ((3, 5, 4), THREE)])
def test_it_is_the_loop_s_in_any_order_of_the_examples(sizes: tuple[int, ...], spec: Spec) -> None:
    z, domain = drawn(*sizes)
    order = torch.randperm(len(z))
    mixed = step_of(z[order], [domain[k] for k in order])
    expected = looped(z.split(sizes))
    assert coral(spec, coef=3.0).penalty(mixed).item() == pytest.approx(3 * expected, rel=1e-12)


def test_two_variances_by_hand() -> None:
    z = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 1.0], [5.0, 7.0]])  # 2 in x, 18 in y
    penalty = coral().penalty(step_of(z, [0, 0, 1, 1])).item()
    assert penalty == pytest.approx((2**2 + 18**2) / 16)


def test_equal_samples_cost_nothing_and_neither_do_shifted_ones() -> None:
    z = torch.randn(6, 5)
    assert coral().penalty(step_of(torch.cat([z, z]), [0] * 6 + [1] * 6)).item() < 1e-12
    apart = torch.cat([z, z + 1.0])  # covariances know no means
    assert coral().penalty(step_of(apart, [0] * 6 + [1] * 6)).item() < 1e-9


def test_too_few_examples_of_a_domain_leave_it_out() -> None:
    z, domain = drawn(5, 7)
    assert coral().penalty(step_of(z, [1] * 12)).item() == 0
    assert coral().penalty(step_of(z, [0] + [1] * 11)).item() == 0  # one has no covariance
    two = coral().penalty(step_of(z, domain)).item()
    assert coral(THREE).penalty(step_of(z, [2 * d for d in domain])).item() == pytest.approx(two)


def test_its_gradient_is_that_of_the_formula() -> None:
    z, domain = drawn(5, 8)
    z.requires_grad_()
    (ours,) = torch.autograd.grad(coral().penalty(step_of(z, domain)), z)
    direct = (torch.cov(z[:5].T) - torch.cov(z[5:].T)).square().sum() / 36
    (theirs,) = torch.autograd.grad(direct, z)
    torch.testing.assert_close(ours, theirs)


def test_a_coefficient_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="coef must"):
        CORAL(-1.0)
