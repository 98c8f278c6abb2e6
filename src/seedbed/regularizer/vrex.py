"""V-REx: the loss becomes the same in every domain.

Formula: loss + β Var(R_1, …, R_D) = loss + β (1/D) Σ (R_d - R̄)², R_d the mean loss in domain d
Source: Krueger et al. 2021, "Out-of-Distribution Generalization via Risk Extrapolation",
    equation 8, https://arxiv.org/abs/2003.00688; the late start is theirs, too (appendix).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.regularizer._domains import (
    exactly,
    members,
    refuse_one_domain,
    shares,
)
from seedbed.regularizer._sums import refuse_coef, wide
from seedbed.types import HIDDEN, Regularizer, Spec, Step


class VREx(Regularizer):
    """Adds `coef · Var` of the domains' risks: what fails in one domain alone is not worth it.

    A risk is the mean cross-entropy over a domain's examples in the batch whose class is known;
    a domain without any is left out.  The variance is that of a population (divided by D).
    Each process compares the examples of its own batch.

    Args:
        coef: β, >= 0.
        start: share of the training before which nothing is added, in [0, 1): risks that differ
            by chance in the beginning say nothing.

    Raises:
        ValueError: an argument outside its range; data without classes, or with fewer than two
            domains whose targets are known.
    """

    needs_features = True  # for the progress; and so that it acts while training only

    def __init__(self, coef: float = 1.0, start: float = 0.0) -> None:
        super().__init__()
        refuse_coef(coef)
        if not 0 <= start < 1:
            raise ValueError(f"start must lie in [0, 1), got {start}")
        self.coef, self.start = coef, start
        self.spec: Spec | None = None

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Learn what the domains are."""
        refuse_one_domain(spec)
        if spec.kind != "class":
            raise ValueError("it compares the cross-entropy of domains; the data has real numbers")
        self.spec = spec

    def penalty(self, step: Step) -> Tensor:
        """Return the penalty, `()`; 0 of a batch with known classes in one domain only."""
        assert self.spec is not None, "prepare comes first"
        z = wide(self.spec.scores(step.logits))
        costs, known = costs_of(z, step.batch.y)
        member = members(step, len(self.spec.domains), z) * known.unsqueeze(1)
        weight, counts = shares(member)
        on = float(step.progress >= self.start)
        with exactly(z):
            return on * self.coef * variance(costs @ weight, counts > 0)


def costs_of(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of each example, 0 where its class is hidden, and where it is not.

    Args:
        z: logits, `(B, C)`.
        y: classes `(B,)` or probabilities `(B, C)`.
    """
    if y.is_floating_point():
        return F.cross_entropy(z, y.to(z), reduction="none"), torch.ones_like(z[:, 0])
    costs = F.cross_entropy(z, y, ignore_index=HIDDEN, reduction="none")
    return costs, (y != HIDDEN).to(z)


def variance(risks: Tensor, there: Tensor) -> Tensor:
    """Return the variance of those risks `(D,)` that are there, `()`."""
    weight = there.to(risks) / there.sum().clamp(min=1)
    return weight @ (risks - weight @ risks).square()
