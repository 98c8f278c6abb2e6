"""Targets, weights and precision of the losses on classes."""

from collections.abc import Sequence
from math import inf
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.types import Spec

ClassWeight = Literal["balanced"] | Sequence[float] | None


def listed(class_weight: ClassWeight) -> list[float] | None:
    """Return the weights of classes that the user wrote down, None if the data decides.

    Raises:
        ValueError: they cannot be weights.
    """
    if class_weight is None or class_weight == "balanced":
        return None
    if isinstance(class_weight, str):
        raise ValueError(f"class_weight must be null, balanced or a list, got {class_weight!r}")
    numbers = [float(weight) for weight in class_weight]
    if not all(0 <= weight < inf for weight in numbers) or not any(numbers):
        raise ValueError(f"class_weight must be at least 0, finite and not all 0, got {numbers}")
    return numbers


def refuse_smoothing(label_smoothing: float) -> None:
    """Raise a ValueError unless this can be the share that is spread over all classes."""
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must lie in [0, 1), got {label_smoothing}")


def refuse_values(name: str, spec: Spec) -> None:
    """Raise a ValueError unless the targets are classes."""
    if spec.kind != "class":
        raise ValueError(f"{name} needs targets that are classes")


def weights_of(class_weight: ClassWeight, spec: Spec) -> list[float] | None:
    """Return the weight of each class, `(C,)`, or None for no weights.

    Raises:
        ValueError: the data has another number of classes, or a class without training examples
            that would have to be balanced.
    """
    numbers, count = listed(class_weight), len(spec.classes)
    if numbers is not None and len(numbers) != count:
        raise ValueError(f"class_weight has {len(numbers)} numbers, the data {count} classes")
    if class_weight != "balanced":
        return numbers
    if len(spec.counts) != count:
        raise ValueError("class_weight=balanced: the data does not count its classes")
    missing = [name for name, n in zip(spec.classes, spec.counts, strict=True) if n == 0]
    if missing:
        raise ValueError(
            f"class_weight=balanced: no training examples of {', '.join(missing)}; "
            "write a list of weights"
        )
    return [sum(spec.counts) / (count * n) for n in spec.counts]


def precise(logits: Tensor) -> Tensor:
    """Return logits in at least single precision, in which a loss is worth measuring."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def probabilities(y: Tensor, classes: int, like: Tensor) -> Tensor:
    """Return `(B,)` indices or `(B, C)` probabilities as probabilities of the type of `like`.

    Of two classes, real numbers `(B,)` or `(B, 1)` are the probability of the second, as in
    torch's binary losses.

    Raises:
        ValueError: another shape.
    """
    y = y.squeeze(1) if y.shape[1:] == (1,) else y
    if y.is_floating_point() and y.ndim == 1 and classes == 2:
        y = torch.stack([1 - y, y], 1)
    if y.is_floating_point() != (y.ndim == 2) or (y.ndim == 2 and y.shape[1] != classes):
        raise ValueError(
            f"targets must be indices (B,) or probabilities (B, {classes}), got {y.dtype} "
            f"of shape {tuple(y.shape)}"
        )
    return (y if y.is_floating_point() else F.one_hot(y, classes)).to(like.dtype)


def smoothed(p: Tensor, epsilon: float) -> Tensor:
    """Return `(B, C)` probabilities of which the share `epsilon` is spread over all classes."""
    return p if epsilon == 0 else (1 - epsilon) * p + epsilon / p.shape[1]


class Weights(nn.Module):
    """Numbers of each class as a tensor where and as precise as it is needed, exact in each type.

    No buffer: `module.half()` would round it, and checkpoints would hold it.
    """

    def __init__(self, numbers: Sequence[float]) -> None:
        super().__init__()
        self.numbers = list(numbers)
        self.made: Tensor | None = None

    def forward(self, like: Tensor) -> Tensor:
        """Return the numbers, `(C,)`, with the device and type of `like`."""
        made = self.made
        if made is None or made.device != like.device or made.dtype != like.dtype:
            with torch.inference_mode(False):  # or training could not use what validation made
                made = torch.tensor(self.numbers, dtype=like.dtype, device=like.device)
            self.made = made
        return made
