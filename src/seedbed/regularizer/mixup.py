"""Mixup: training on blends of two examples.

Formula: x = λ xᵢ + (1-λ) xⱼ, y = λ yᵢ + (1-λ) yⱼ, λ ~ Beta(α, α)
Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", eq. in section 1,
    https://arxiv.org/abs/1710.09412
"""

import torch
from torch import nn

from seedbed.regularizer._mixing import (
    blend,
    mixable,
    refuse_alpha,
    refuse_hidden,
    refuse_whole_numbers,
    share,
)
from seedbed.types import Batch, Regularizer, Spec


class Mixup(Regularizer):
    """Blends every example with another of its batch, inputs and targets alike.

    One λ a batch.  Classes become probabilities `(B, C)`, values are mixed in proportion.  The
    accuracy on training batches is that of the larger share.

    Args:
        alpha: α of λ ~ Beta(α, α), > 0: near 0 hardly any blending, 1 any λ alike.

    Raises:
        ValueError: `alpha` is not positive, targets are hidden, or inputs are whole numbers.
    """

    order = -1  # noise is added to the blend, not blended

    def __init__(self, alpha: float = 0.2) -> None:
        super().__init__()
        refuse_alpha(alpha)
        self.alpha = alpha
        self.spec: Spec | None = None

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Learn what the targets are."""
        refuse_hidden(spec)
        self.spec = spec

    def on_batch(self, batch: Batch) -> Batch:
        """Blend the batch with itself in another order."""
        assert self.spec is not None, "prepare comes first"
        refuse_whole_numbers("mixup", batch.x)
        lam, other = share(self.alpha), torch.randperm(len(batch.x), device=batch.x.device)
        y = mixable(batch.y, self.spec, batch.x)
        return batch._replace(x=blend(batch.x, batch.x[other], lam), y=blend(y, y[other], lam))
