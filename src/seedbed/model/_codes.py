"""From what an input is like to which class it is of, also a class that nobody has seen.

Formula: log p(x's code is that of c) = Σ_a [s_ca log σ(z_a) + (1 - s_ca) log(1 - σ(z_a))]
Source: Palatucci, Pomerleau, Hinton & Mitchell 2009, "Zero-Shot Learning with Semantic Output
    Codes", section 2, NeurIPS 22; attributes as independent Bernoulli variables: Lampert, Nickisch
    & Harmeling 2009, equation 1.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Codes(nn.Module):
    """Scores each class by how likely its code is; nothing of it is learned.

    Args:
        codes: `(C, A)` in [0, 1], which attributes each class has.
    """

    codes: Tensor  # (C, A)

    def __init__(self, codes: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.register_buffer("codes", torch.tensor(codes))

    def forward(self, attributes: Tensor) -> Tensor:
        """Map logits of attributes, `(B, A)`, to log-likelihoods of classes, `(B, C)`."""
        codes = self.codes.to(attributes.dtype)
        yes, no = F.logsigmoid(attributes), F.logsigmoid(-attributes)
        return yes @ codes.T + no @ (1 - codes).T
