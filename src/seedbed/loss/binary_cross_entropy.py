"""Cross-entropy of two classes from a single logit: logistic regression's loss.

Formula: Σᵢ [w₁ pᵢ (-log σ(zᵢ)) + w₀ (1-pᵢ) (-log σ(-zᵢ))] / Σᵢ [w₁ pᵢ + w₀ (1-pᵢ)]
Source: Cox 1958, "The Regression Analysis of Binary Sequences", JRSS B 20, section 2,
    https://doi.org/10.1111/j.2517-6161.1958.tb00292.x

Our own, because torch's takes no indices and no pair of probabilities, and weighs one class only.
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
from seedbed.types import Spec


class BinaryCrossEntropy(nn.Module):
    """Raises the probability of the right one of two classes; the model emits a single logit.

    The same loss as cross_entropy of the logits (0, z), with half the weights in the last layer.

    Args:
        class_weight: what an example of each of the two classes counts, >= 0 and not both 0;
            `balanced` counts both classes alike; null counts each example alike.
        label_smoothing: share of the probability that is spread over both classes, in [0, 1).

    Raises:
        ValueError: an argument outside its range, or data without exactly two classes.
    """

    outputs = 1

    def __init__(self, class_weight: ClassWeight = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        refuse_smoothing(label_smoothing)
        self.class_weight: ClassWeight = class_weight
        self.label_smoothing = label_smoothing
        numbers = listed(class_weight) or [1.0, 1.0]
        if len(numbers) != 2:
            raise ValueError(f"class_weight must be two numbers, got {numbers}")
        self.weights = Weights(numbers)

    def prepare(self, spec: Spec) -> None:
        """Weigh the two classes of the data."""
        refuse_values("binary_cross_entropy", spec)
        if len(spec.classes) != 2:
            raise ValueError(
                f"binary_cross_entropy needs two classes, the data has {len(spec.classes)}; "
                "use loss=cross_entropy"
            )
        self.weights = Weights(weights_of(self.class_weight, spec) or [1.0, 1.0])

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss, `()`, of logits `(B, 1)` and targets `(B,)` or `(B, 2)`."""
        z = precise(logits).reshape(len(logits))
        wp = self._weighted(z, y)
        cost = wp * torch.stack([-F.logsigmoid(-z), -F.logsigmoid(z)], 1)
        return cost.sum() / wp.sum().clamp(min=torch.finfo(z.dtype).tiny)

    def weight(self, logits: Tensor, y: Tensor) -> Tensor | None:
        """Return Σ weights of targets `(B,)` or `(B, 2)`, `()`; None if all are 1."""
        if self.weights.numbers == [1.0, 1.0]:
            return None
        return self._weighted(precise(logits).reshape(len(logits)), y).sum()

    def _weighted(self, z: Tensor, y: Tensor) -> Tensor:
        return self.weights(z) * smoothed(probabilities(y, 2, z), self.label_smoothing)  # (B, 2)
