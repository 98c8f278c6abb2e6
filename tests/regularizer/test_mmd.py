"""The discrepancy beside a loop over pairs, and where it must be nothing."""

from itertools import combinations
from math import exp

import pytest
import torch
from domains import THREE, TWO, step_of
from torch import Tensor, nn

from seedbed.regularizer.mmd import MMD
from seedbed.types import Spec


def mmd(spec: Spec = TWO, coef: float = 1.0) -> MMD:
    made = MMD(coef)
    made.prepare(nn.Identity(), spec)
    return made


def looped(samples: list[list[list[float]]]) -> float:
    """Return the mean MMD² of each two samples, in plain Python."""
    union = [z for sample in samples for z in sample]

    def apart(a: list[float], b: list[float]) -> float:
        return sum((i - j) ** 2 for i, j in zip(a, b, strict=True))

    scale = sum(apart(a, b) for a in union for b in union) / (len(union) * (len(union) - 1))

    def k(a: list[float], b: list[float]) -> float:
        return sum(exp(-apart(a, b) / (2.0**m * scale)) for m in range(-2, 3)) / 5

    def mean(s: list[list[float]], t: list[list[float]]) -> float:
        return sum(k(a, b) for a in s for b in t) / (len(s) * len(t))

    pairs = list(combinations(samples, 2))
    return sum(mean(s, s) + mean(t, t) - 2 * mean(s, t) for s, t in pairs) / len(pairs)


def drawn(*sizes: int) -> tuple[Tensor, list[int]]:
    torch.manual_seed(0)
    parts = [torch.randn(n, 3, dtype=torch.float64) * (k + 1) + k for k, n in enumerate(sizes)]
    return torch.cat(parts), [k for k, n in enumerate(sizes) for _ in range(n)]


@pytest.mark.parametrize(("sizes", "spec"), [((5, 8), TWO), ((4, 1), TWO), ((3, 5, 4), THREE)])
def test_it_is_the_loop_s_in_any_order_of_the_examples(sizes: tuple[int, ...], spec: Spec) -> None:
    z, domain = drawn(*sizes)
    expected = looped([part.tolist() for part in z.split(sizes)])
    order = torch.randperm(len(z))
    mixed = step_of(z[order], [domain[k] for k in order])
    assert mmd(spec, coef=3.0).penalty(mixed).item() == pytest.approx(3 * expected, rel=1e-12)
    assert expected > 0.01


def test_two_points_by_hand() -> None:
    z = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    kernel = sum(exp(-1 / 2.0**m) for m in range(-2, 3)) / 5  # ‖a - b‖² is σ² itself
    assert mmd().penalty(step_of(z, [0, 1])).item() == pytest.approx(2 - 2 * kernel)


def test_equal_samples_cost_nothing() -> None:
    z = torch.randn(6, 5)
    assert abs(mmd().penalty(step_of(torch.cat([z, z]), [0] * 6 + [1] * 6)).item()) < 1e-6
    same = torch.ones(4, 5, requires_grad=True)
    penalty = mmd().penalty(step_of(same, [0, 1, 0, 1]))
    penalty.backward()
    assert penalty.item() == 0
    assert same.grad is not None
    assert torch.equal(same.grad, torch.zeros(4, 5))  # and no NaN, where distances are 0


def test_it_is_symmetric_and_sees_more_than_means() -> None:
    z, domain = drawn(6, 9)
    turned = [1 - d for d in domain]
    one, other = mmd().penalty(step_of(z, domain)), mmd().penalty(step_of(z, turned))
    assert one.item() == pytest.approx(other.item(), rel=1e-12)
    narrow, wide = torch.tensor([[-1.0], [1.0]]), torch.tensor([[-3.0], [3.0]])
    assert mmd().penalty(step_of(torch.cat([narrow, wide]), [0, 0, 1, 1])).item() > 0.1


def test_a_batch_of_one_domain_costs_nothing_and_an_absent_one_does_not_count() -> None:
    z, domain = drawn(5, 7)
    assert mmd().penalty(step_of(z, [1] * 12)).item() == 0
    two = mmd().penalty(step_of(z, domain)).item()
    assert mmd(THREE).penalty(step_of(z, [2 * d for d in domain])).item() == pytest.approx(two)


def test_its_gradient_brings_the_domains_together_and_its_width_has_none() -> None:
    z, domain = drawn(5, 8)
    z.requires_grad_()

    def fixed(z: Tensor) -> Tensor:  # with the width of the features as they are
        apart = (z.unsqueeze(0) - z.unsqueeze(1)).square().sum(-1)
        scale = apart.detach().sum() / (13 * 12)
        k = torch.stack([torch.exp(-apart / (2.0**m * scale)) for m in range(-2, 3)]).mean(0)
        return k[:5, :5].mean() + k[5:, 5:].mean() - 2 * k[:5, 5:].mean()

    (ours,) = torch.autograd.grad(mmd().penalty(step_of(z, domain)), z)
    (theirs,) = torch.autograd.grad(fixed(z), z)
    torch.testing.assert_close(ours, theirs)
    moved = (z - 0.5 * ours).detach()
    assert mmd().penalty(step_of(moved, domain)) < mmd().penalty(step_of(z, domain))


@pytest.mark.parametrize("coef", [-0.1, float("nan"), float("inf")])
def test_a_coefficient_outside_its_range_is_refused(coef: float) -> None:
    with pytest.raises(ValueError, match="coef must"):
        MMD(coef)
