"""Deep CORAL: the features of all domains get the same covariance.

Formula: loss + λ ‖C_s - C_t‖²_F / (4 d²), C = Σ (z - z̄)(z - z̄)ᵀ / (n - 1)
Source: Sun & Saenko 2016, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation",
    equations 1 to 3, https://arxiv.org/abs/1607.01719
"""

from torch import Tensor, nn

from seedbed.regularizer._domains import (
    exactly,
    features_of,
    mean_over_pairs,
    members,
    refuse_one_domain,
    shares,
)
from seedbed.regularizer._sums import refuse_coef
from seedbed.types import Regularizer, Spec, Step


class CORAL(Regularizer):
    """Adds `coef · ‖C_s - C_t‖²_F / (4 d²)` of the features' covariances, of all pairs the mean.

    Targets are not looked at, so those of a domain may be hidden.  A domain with fewer than two
    examples in the batch is left out.  Each process compares the examples of its own batch.

    Args:
        coef: λ, >= 0.  Because of the d² (d features), useful values are large.

    Raises:
        ValueError: `coef` is negative, or the data has fewer than two domains.
    """

    needs_features = True

    def __init__(self, coef: float = 1.0) -> None:
        super().__init__()
        refuse_coef(coef)
        self.coef, self.domains = coef, 0

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Count the domains."""
        refuse_one_domain(spec)
        self.domains = len(spec.domains)

    def penalty(self, step: Step) -> Tensor:
        """Return the penalty, `()`; 0 of a batch that is all of one domain."""
        z = features_of(step)
        member = members(step, self.domains, z)
        with exactly(z):
            spread = covariances(z, member).flatten(1) / (2 * z.shape[1])  # (D, d²)
        apart = (spread.unsqueeze(0) - spread.unsqueeze(1)).square().sum(-1)
        return self.coef * mean_over_pairs(apart, member.sum(0) > 1)


def covariances(z: Tensor, member: Tensor) -> Tensor:
    """Return the unbiased covariance of each domain, `(D, d, d)`; 0 of a single example.

    Args:
        z: features, `(B, d)`.
        member: 1 where an example is of a domain, else 0, `(B, D)`.
    """
    weight, counts = shares(member)
    means = weight.T @ z  # (D, d)
    centred = (z.unsqueeze(0) - means.unsqueeze(1)) * member.T.unsqueeze(-1)  # (D, B, d)
    return centred.mT @ centred / (counts - 1).clamp(min=1).view(-1, 1, 1)
