"""Domain-adversarial training: features from which nobody can tell where an example comes from.

Formula: loss + CE(d(R_λ(z)), domain); R_λ(z) = z forward, -λ ∂/∂z backward;
    λ(p) = c·(2 / (1 + exp(-γ p)) - 1), p the share of the training that is done
Source: Ganin et al. 2016, "Domain-Adversarial Training of Neural Networks", JMLR 17, equations 9
    to 18 and section 5.2.2 (the schedule), https://jmlr.org/papers/v17/15-239.html
"""

from math import exp, inf
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.features import width_of
from seedbed.regularizer._domains import (
    exactly,
    members,
    refuse_one_domain,
    shares,
)
from seedbed.regularizer._sums import refuse_coef, wide
from seedbed.types import Regularizer, Spec, Step


class DANN(Regularizer):
    """Trains a classifier of domains on the features, and the features to mislead it.

    The classifier (one hidden layer) learns with the optimizer of the model, from the first step
    at full strength; the features get its gradient times -λ, which grows from 0.  All domains of
    a batch count the same, whatever their numbers.  `train/dann` is the classifier's loss: ln D
    if it can only guess among D domains.  Targets are not looked at.

    Args:
        coef: c, the largest λ, >= 0.
        gamma: γ, how fast λ grows, > 0.
        hidden: units of the classifier's hidden layer, >= 1.

    Raises:
        ValueError: an argument outside its range, or the data has fewer than two domains.
    """

    needs_features = True

    def __init__(self, coef: float = 1.0, gamma: float = 10.0, hidden: int = 128) -> None:
        super().__init__()
        refuse_coef(coef)
        if not 0 < gamma < inf:
            raise ValueError(f"gamma must be positive and finite, got {gamma}")
        if hidden < 1:
            raise ValueError(f"hidden must be at least 1, got {hidden}")
        self.coef, self.gamma, self.hidden, self.domains = coef, gamma, hidden, 0
        self.classifier = nn.Sequential()

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Make the classifier for the features of this model."""
        refuse_one_domain(spec)
        self.domains = len(spec.domains)
        self.classifier = nn.Sequential(
            nn.Linear(width_of(model, spec), self.hidden),
            nn.ReLU(),
            nn.Linear(self.hidden, self.domains),
        )

    def strength(self, progress: float) -> float:
        """Return λ at a share of the training, in [0, 1]."""
        return self.coef * (2 / (1 + exp(-self.gamma * progress)) - 1)

    def penalty(self, step: Step) -> Tensor:
        """Return the loss of the domain classifier, `()`."""
        assert step.features is not None, "needs_features asks for them"
        assert step.batch.domain is not None, "data with domains says which of them in each batch"
        logits = wide(
            self.classifier(reversed_gradient(step.features, self.strength(step.progress)))
        )
        weight, counts = shares(members(step, self.domains, logits))
        with exactly(logits):
            costs = F.cross_entropy(logits, step.batch.domain, reduction="none") @ weight  # (D,)
        return costs.sum() / (counts > 0).sum()


class Reversed(torch.autograd.Function):
    """The identity, through which a gradient comes back times -λ."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        """Return the input."""
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the gradient, turned round."""
        return -ctx.strength * gradients[0], None


def reversed_gradient(x: Tensor, strength: float) -> Tensor:
    """Return `x`, whose gradient is turned round and multiplied by `strength`."""
    result = Reversed.apply(x, strength)
    assert isinstance(result, Tensor)
    return result
