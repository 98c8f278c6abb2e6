"""Cross-entropy of classes, with weights and label smoothing.

Formula: Σᵢ Σ_c w_c pᵢ_c (-log qᵢ_c) / Σᵢ Σ_c w_c pᵢ_c, q = softmax(z); balanced: w_c = N / (C n_c)
Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 6.2.2.3,
    https://www.deeplearningbook.org; balanced weights are those of scikit-learn's
    compute_class_weight, after King & Zeng 2001, "Logistic Regression in Rare Events Data", eq. 8.

Our own, because torch divides by B and not by the weights when targets are probabilities: with
class weights its soft and hard forms differ, and mixup would change the size of a step.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.loss._targets import (
    ClassWeight,
    Weights,
    listed,
    precise,
    probabilities,
    refuse_smoothing,
    refuse_values,
    smoothed,
    weights_of,
)
from seedbed.types import HIDDEN, Spec


class CrossEntropy(nn.Module):
    """Raises the probability of the right class; the default for classes.

    Targets are indices ("sparse categorical") or probabilities ("categorical").  A batch in which
    only classes of weight 0 occur costs 0.

    Args:
        class_weight: what an example of each class counts, >= 0 and not all 0, in the order of
            the classes; `balanced` counts each class alike, and refuses classes without training
            examples; null counts each example alike.
        label_smoothing: share of the probability that is spread over all C classes, in [0, 1);
            the same as regularizer=label_smoothing.

    Raises:
        ValueError: an argument outside its range, or one that does not fit the data.
    """

    def __init__(self, class_weight: ClassWeight = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        refuse_smoothing(label_smoothing)
        self.class_weight: ClassWeight = class_weight
        self.label_smoothing = label_smoothing
        self.masked = False  # whether the data hides targets
        numbers = listed(class_weight)
        self.weights = None if numbers is None else Weights(numbers)

    def prepare(self, spec: Spec) -> None:
        """Weigh the classes of the data."""
        refuse_values("cross_entropy", spec)
        numbers = weights_of(self.class_weight, spec)
        self.weights = None if numbers is None else Weights(numbers)
        if spec.episode and numbers is not None:
            raise ValueError("class_weight: the classes of an episode are others in the next")
        self.masked = spec.masked
        if self.masked and self.weights is not None:
            raise ValueError("class_weight needs a target for every example; some are hidden")

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss, `()`, of logits `(B, C)` and targets `(B,)` or `(B, C)`.

        Of data that hides targets, the mean over the examples whose class is known; 0 if none is.
        """
        z = precise(logits)
        if self.masked:
            cost = F.cross_entropy(
                z, y, ignore_index=HIDDEN, reduction="sum", label_smoothing=self.label_smoothing
            )
            return cost / (y != HIDDEN).sum().clamp(min=1)
        if self.weights is None:
            y = y.to(z.dtype) if y.is_floating_point() else y
            return F.cross_entropy(z, y, label_smoothing=self.label_smoothing)
        if self.label_smoothing or y.is_floating_point():
            y = smoothed(probabilities(y, z.shape[1], z), self.label_smoothing)
        cost = F.cross_entropy(z, y, weight=self.weights(z), reduction="sum")
        return cost / self._total(z, y).clamp(min=torch.finfo(z.dtype).tiny)

    def weight(self, logits: Tensor, y: Tensor) -> Tensor | None:
        """Return Σ weights of targets `(B,)` or `(B, C)`, `()`; None if each counts 1."""
        if self.masked:
            return (y != HIDDEN).sum().to(precise(logits).dtype)
        if self.weights is None:
            return None
        z = precise(logits)
        if self.label_smoothing or y.is_floating_point():
            y = smoothed(probabilities(y, z.shape[1], z), self.label_smoothing)
        return self._total(z, y)

    def _total(self, z: Tensor, y: Tensor) -> Tensor:
        assert self.weights is not None
        w = self.weights(z)  # (C,)
        return (y @ w if y.is_floating_point() else w[y]).sum()
