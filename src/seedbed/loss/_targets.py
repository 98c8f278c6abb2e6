"""Targets, weights and precision of the losses on classes."""

from collections.abc import Sequence
from math import inf
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.types import Spec

ClassWeight = Literal["balanced"] | Sequence[float] | None


def refuse_weights(class_weight: ClassWeight) -> None:
    """Raise a ValueError unless this can be the weights of classes."""
    if class_weight is None or class_weight == "balanced":
        return
    if isinstance(class_weight, str):
        raise ValueError(f"class_weight must be null, balanced or a list, got {class_weight!r}")
    if not all(0 <= w < inf for w in class_weight) or not any(class_weight):
        raise ValueError(
            f"class_weight must be at least 0, and not all 0, got {list(class_weight)}"
        )


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
    if class_weight is None:
        return None
    count = len(spec.classes)
    if class_weight == "balanced":
        missing = [name for name, n in zip(spec.classes, spec.counts, strict=False) if not n]
        if missing or len(spec.counts) != count:
            names = ", ".join(missing) or "all"
            raise ValueError(
                f"class_weight=balanced: classes without training examples: {names}; "
                "give a list of weights"
            )
        return [sum(spec.counts) / (count * n) for n in spec.counts]
    if len(class_weight) != count:
        raise ValueError(f"class_weight has {len(class_weight)} numbers, the data {count} classes")
    return [float(weight) for weight in class_weight]  # pyright: ignore[reportArgumentType]


def precise(logits: Tensor) -> Tensor:
    """Return logits in at least single precision, in which a loss is worth measuring."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def probabilities(y: Tensor, classes: int, like: Tensor) -> Tensor:
    """Return `(B,)` indices or `(B, C)` probabilities as probabilities of the type of `like`."""
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
