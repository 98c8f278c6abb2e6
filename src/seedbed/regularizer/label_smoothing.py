"""Label smoothing: targets that are never wholly certain.

Formula: y = (1-ε) one-hot + ε/C
Source: Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7,
    https://arxiv.org/abs/1512.00567
"""

import torch
import torch.nn.functional as F
from torch import nn

from seedbed.types import Batch, Regularizer, Spec


class LabelSmoothing(Regularizer):
    """Keeps the model from being sure: targets become `(1 - epsilon) · one-hot + epsilon / C`.

    Args:
        epsilon: share of the probability that is spread over all C classes, in [0, 1).

    Raises:
        ValueError: `epsilon` lies outside its range, or the targets are no classes.
    """

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__()
        if not 0 <= epsilon < 1:
            raise ValueError(f"epsilon must lie in [0, 1), got {epsilon}")
        self.epsilon, self.classes = epsilon, 0

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Take the number of classes from the data."""
        if spec.kind != "class":
            raise ValueError("label_smoothing needs targets that are classes")
        if spec.masked:
            raise ValueError("the data hides targets; use loss.label_smoothing instead")
        self.classes = len(spec.classes)

    def on_batch(self, batch: Batch) -> Batch:
        """Smooth `(B,)` indices or `(B, C)` probabilities into `(B, C)` probabilities."""
        y = batch.y if batch.y.is_floating_point() else F.one_hot(batch.y, self.classes)
        real = batch.x.dtype if batch.x.is_floating_point() else torch.get_default_dtype()
        return batch._replace(y=(1 - self.epsilon) * y.to(real) + self.epsilon / self.classes)
