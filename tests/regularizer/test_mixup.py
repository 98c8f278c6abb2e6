"""Mixup: the blend, and how much of it."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seedbed.loss.cross_entropy import CrossEntropy
from seedbed.regularizer._mixing import share
from seedbed.regularizer.mixup import Mixup
from seedbed.types import Batch, Spec

SPEC = Spec((2,), "class", 6, tuple("abcdef"))


def mixup(alpha: float = 1.0, spec: Spec = SPEC) -> Mixup:
    made = Mixup(alpha)
    made.prepare(nn.Identity(), spec)
    return made


def test_inputs_and_targets_are_blended_with_the_same_partner_and_share() -> None:
    torch.manual_seed(1)
    x, y = torch.eye(6), torch.arange(6)  # an input that is its own one-hot class
    shares = set()
    for _ in range(20):
        batch = mixup().on_batch(Batch(x, y))
        torch.testing.assert_close(batch.x, batch.y)
        torch.testing.assert_close(batch.y.sum(1), torch.ones(6))
        torch.testing.assert_close(batch.y.sum(0), torch.ones(6))  # each is used once, and λ is one
        shares.add(round(batch.y[0, 0].item(), 5))
    assert len(shares) > 10


def test_the_loss_of_mixed_targets_is_the_mix_of_losses() -> None:
    torch.manual_seed(0)
    x, y = torch.eye(6), torch.tensor([3, 1, 4, 1, 5, 2])
    batch = mixup().on_batch(Batch(x, y))
    partner = (batch.x - torch.diag(batch.x.diagonal())).argmax(1)
    lam = batch.x.diagonal()  # 1 where an example met itself
    logits = torch.randn(6, 6)
    own, other = (F.cross_entropy(logits, t, reduction="none") for t in (y, y[partner]))
    expected = (lam * own + (1 - lam) * other).mean()
    torch.testing.assert_close(CrossEntropy()(logits, batch.y), expected)


def test_values_are_blended_in_proportion() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 2)
    batch = mixup(spec=Spec((2,), "value", 2)).on_batch(Batch(x, 3 * x + 1))
    torch.testing.assert_close(batch.y, 3 * batch.x + 1)
    assert not torch.allclose(batch.x, x)


def test_probabilities_as_targets_are_blended() -> None:
    x = torch.rand(6, 6).softmax(1)
    batch = mixup().on_batch(Batch(x, x))
    torch.testing.assert_close(batch.x, batch.y)


@pytest.mark.parametrize("alpha", [1e-4, 0.01, 0.2, 1.0, 8.0])
def test_the_share_is_beta_distributed(alpha: float) -> None:
    torch.manual_seed(0)
    draws = torch.tensor([share(alpha) for _ in range(4000)]).double()
    variance = 1 / (4 * (2 * alpha + 1))  # of Beta(α, α), whose mean is ½
    assert ((draws >= 0) & (draws <= 1)).all()
    assert abs(draws.mean().item() - 0.5) < 4 * math.sqrt(variance / 4000)
    fourth = (draws - 0.5).pow(4).mean().item()
    spread = math.sqrt(max(fourth - variance**2, 1e-9) / 4000)
    assert abs((draws - 0.5).square().mean().item() - variance) < 4 * spread
    # A third fact, of the middle: the median of |λ - ½| by another sampler.
    if alpha >= 0.2:
        reference = torch.distributions.Beta(alpha, alpha).sample((200_000,)).double()
        middle = (reference - 0.5).abs().median()
        assert abs(((draws - 0.5).abs() < middle).double().mean().item() - 0.5) < 0.04


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan"), float("inf")])
def test_an_alpha_outside_its_range_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be positive"):
        Mixup(alpha)


def test_whole_numbers_as_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="mixup needs inputs that are real numbers"):
        mixup().on_batch(Batch(torch.zeros(2, 2, dtype=torch.int64), torch.zeros(2).long()))
