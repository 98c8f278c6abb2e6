"""Unit vectors: each example divided by its own length.

Formula: x' = x / ‖x‖₂, and 0' = 0
Source: scikit-learn, `preprocessing.Normalizer`,
https://scikit-learn.org/stable/modules/preprocessing.html#normalization.
"""

from collections.abc import Iterable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.scaling._axes import mask


class L2(nn.Module):
    """Gives every example Euclidean length 1; the zero vector stays zero.

    Args:
        shape: of one input.
        untouched: features that neither change nor count in the length, in [0, D).
    """

    kept: Tensor  # (1, C, 1, ...) bool

    def __init__(self, shape: tuple[int, ...] = (1,), untouched: Sequence[int] = ()) -> None:
        super().__init__()
        self.all = not untouched
        self.register_buffer("kept", mask(shape, untouched), persistent=False)

    def fit(self, x: Tensor | Iterable[Tensor]) -> None:
        """Measure nothing: each example is scaled by itself."""

    def forward(self, x: Tensor) -> Tensor:
        """Scale `(B, ...)`."""
        flat = (x if self.all else x.masked_fill(self.kept, 0)).flatten(1)
        largest = flat.abs().amax(1, keepdim=True)
        near_1 = flat / largest.where(largest > 0, 1)  # whose squares neither vanish nor overflow
        scaled = F.normalize(near_1).reshape(x.shape)
        return scaled if self.all else x.where(self.kept, scaled)
