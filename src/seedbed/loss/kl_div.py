"""Kullback-Leibler divergence of the targets from the predictions.

Formula: 1/B Σᵢ Σ_c pᵢ_c (log pᵢ_c - log qᵢ_c), q = softmax(z); equals cross-entropy - H(p)
Source: Kullback & Leibler 1951, "On Information and Sufficiency", Ann. Math. Stat. 22, eq. 2.4,
    https://doi.org/10.1214/aoms/1177729694

Our own, because torch's takes log-probabilities and its default reduction is C times too small.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.loss._targets import precise, probabilities, refuse_values
from seedbed.types import Spec


class KLDiv(nn.Module):
    """Pulls the predicted distribution to the target's: 0 when they agree, unlike cross-entropy.

    Gradients are those of cross_entropy; for targets that are indices the values are, too.
    """

    def prepare(self, spec: Spec) -> None:
        """Refuse targets that are no classes."""
        refuse_values("kl_div", spec)

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the mean over the batch, `()`, of logits `(B, C)`, targets `(B,)` or `(B, C)`."""
        z = precise(logits)
        p = probabilities(y, z.shape[1], z)
        return F.kl_div(z.log_softmax(1), p, reduction="batchmean")
