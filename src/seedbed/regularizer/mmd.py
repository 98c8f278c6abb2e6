"""Maximum mean discrepancy: the features of all domains become one distribution.

Formula: loss + λ·MMD², MMD² = mean k(s, s') + mean k(t, t') - 2 mean k(s, t);
    k(a, b) = (1/5) Σₘ exp(-‖a - b‖² / (2ᵐ σ²)), m = -2 to 2, σ² = mean ‖a - b‖² of the batch
Source: Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13, equation 5 (the biased estimate),
    https://jmlr.org/papers/v13/gretton12a.html; Long, Cao, Wang & Jordan 2015, "Learning
    Transferable Features with Deep Adaptation Networks", equation 2 (many kernels),
    https://arxiv.org/abs/1502.02791
"""

import torch
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

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the kernels, in units of σ²


class MMD(Regularizer):
    """Adds `coef · MMD²` between the features of the domains, of all pairs the mean.

    Targets are not looked at, so those of a domain may be hidden.  The biased estimate: pairs of
    an example with itself count, so it is never negative, and 0 on equal samples.  Each process
    compares the examples of its own batch.

    Args:
        coef: λ, loss per unit of squared discrepancy, >= 0; MMD² lies in [0, 2].

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
        weight, counts = shares(members(step, self.domains, z))
        with exactly(z):
            alike = weight.T @ kernels(z) @ weight  # (D, D): the mean kernel of each two domains
        own = alike.diagonal()
        return self.coef * mean_over_pairs(
            own.unsqueeze(0) + own.unsqueeze(1) - 2 * alike, counts > 0
        )


def kernels(z: Tensor) -> Tensor:
    """Return the mean of the kernels of each two of `(B, F)` features, `(B, B)`.

    Their widths follow the features and have no gradient: spreading the features would be a way
    to make the penalty small.
    """
    apart = torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist").square()
    pairs = max(1, len(z) * (len(z) - 1))
    scale = (apart.detach().sum() / pairs).clamp(min=torch.finfo(z.dtype).tiny)
    return torch.stack([torch.exp(-apart / (width * scale)) for width in WIDTHS]).mean(0)
