"""Unit vectors: each example divided by its own length."""

from torch import Tensor, nn


class L2(nn.Module):
    """Gives every example Euclidean length 1; the zero vector stays zero."""

    def fit(self, x: Tensor) -> None:
        """Measure nothing: each example is scaled by itself."""

    def forward(self, x: Tensor) -> Tensor:
        """Scale `(B, ...)`."""
        length = x.flatten(1).norm(dim=1)
        length = length.where(length > 0, 1)  # 0 / 1 is 0
        return x / length.reshape(-1, *[1] * (x.ndim - 1))
