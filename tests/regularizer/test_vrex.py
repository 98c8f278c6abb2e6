"""The variance of risks by hand, of hidden classes and absent domains."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from domains import THREE, TWO, step_of
from torch import nn

from seedbed.regularizer.vrex import VREx
from seedbed.types import HIDDEN, Spec


def vrex(spec: Spec = THREE, coef: float = 1.0, start: float = 0.0) -> VREx:
    made = VREx(coef, start)
    made.prepare(nn.Identity(), spec)
    return made


def risks_to_logits(risks: list[float]) -> torch.Tensor:
    """Return logits of which class 0 costs that much each, with two more equally likely."""
    p = torch.tensor(risks, dtype=torch.float64).neg().exp()
    return torch.stack([p, (1 - p) / 2, (1 - p) / 2], 1).log()


def test_the_population_s_variance_by_hand() -> None:
    logits = risks_to_logits([1.0, 3.0, 5.0, 0.5])  # risks 2 (of two), 5 and .5
    step = step_of(torch.zeros(4, 1), [0, 0, 1, 2], logits=logits)
    assert vrex(coef=2.0).penalty(step).item() == pytest.approx(2 * (0.25 + 6.25 + 4) / 3)


def test_equal_risks_cost_nothing() -> None:
    step = step_of(torch.zeros(3, 1), [0, 1, 2], logits=risks_to_logits([2.0] * 3))
    assert vrex().penalty(step).item() == pytest.approx(0, abs=1e-12)


def test_hidden_classes_and_absent_domains_do_not_count() -> None:
    logits = risks_to_logits([1.0, 9.0, 3.0, 7.0])
    y = torch.tensor([0, HIDDEN, 0, HIDDEN])
    step = step_of(torch.zeros(4, 1), [0, 0, 2, 1], logits=logits, y=y)
    assert vrex().penalty(step).item() == pytest.approx(1.0)  # of 1 and 3
    only = step_of(torch.zeros(4, 1), [0, 0, 1, 1], logits=logits, y=torch.tensor([0, 0, -1, -1]))
    assert vrex(TWO).penalty(only).item() == 0
    nothing = step_of(torch.zeros(4, 1), [0, 0, 1, 1], logits=logits, y=torch.full((4,), HIDDEN))
    assert vrex(TWO).penalty(nothing).item() == 0


def test_the_gradient_is_that_of_the_formula() -> None:
    torch.manual_seed(0)
    logits = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    step = step_of(torch.zeros(6, 1), [0, 0, 1, 1, 2, 2], logits=logits, y=y)
    (ours,) = torch.autograd.grad(vrex().penalty(step), logits)
    risks = torch.stack([F.cross_entropy(logits[k : k + 2], y[k : k + 2]) for k in (0, 2, 4)])
    (theirs,) = torch.autograd.grad(risks.var(correction=0), logits)
    torch.testing.assert_close(ours, theirs)


def test_probabilities_as_targets_and_a_single_logit() -> None:
    logits = risks_to_logits([1.0, 3.0])
    y = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    step = step_of(torch.zeros(2, 1), [0, 1], logits=logits, y=y)
    assert vrex().penalty(step).item() == pytest.approx(1.0)
    binary = replace(TWO, outputs=1, classes=("no", "yes"))
    z = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    one = step_of(torch.zeros(2, 1), [0, 1], logits=z, y=torch.tensor([1, 1]))
    apart = F.softplus(torch.tensor(0.0)) - F.softplus(torch.tensor(-2.0))
    assert vrex(binary).penalty(one).item() == pytest.approx(apart.item() ** 2 / 4, rel=1e-5)


def test_it_starts_late() -> None:
    logits = risks_to_logits([1.0, 3.0])
    late = vrex(start=0.5)
    for progress, expected in ((0.0, 0.0), (0.49, 0.0), (0.5, 1.0), (1.0, 1.0)):
        step = step_of(torch.zeros(2, 1), [0, 1], logits=logits, progress=progress)
        assert late.penalty(step).item() == pytest.approx(expected)


def test_real_numbers_as_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="real numbers"):
        vrex(Spec((4,), "value", 1, domains=("a", "b")))


def test_arguments_outside_their_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match="coef must"):
        VREx(-1.0)
    with pytest.raises(ValueError, match="start must"):
        VREx(start=1.0)
