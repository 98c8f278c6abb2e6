"""Max-norm constraint: no unit's incoming weights grow beyond a length.

Formula: w_k ← w_k · min(1, c / ‖w_k‖) after every step, w_k all weights into output unit k
Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", section 5.1, https://jmlr.org/papers/v15/srivastava14a.html
"""

from math import inf

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from seedbed.regularizer._sums import wide
from seedbed.types import Regularizer
from seedbed.weight import set_weight, weighted_modules


class MaxNorm(Regularizer):
    """Scales the weights into each unit back to length c where they are longer.

    Filters of convolutions count as one vector each; biases and norm layers are left alone.
    Large learning rates cannot blow the weights up.

    Args:
        c: largest Euclidean length of the weights into one unit, > 0; 3 or 4 are usual.

    Raises:
        ValueError: `c` is not positive.
    """

    order = 1  # last, so that it holds whatever else changes the weights

    def __init__(self, c: float = 3.0) -> None:
        super().__init__()
        if not 0 < c < inf:
            raise ValueError(f"c must be positive and finite, got {c}")
        self.c = c

    @torch.no_grad()
    def after_step(self, model: nn.Module, lr: float) -> None:
        """Scale back what is too long."""
        for module in weighted_modules(model):
            weight = module.weight
            assert isinstance(weight, Tensor)
            groups = module.groups if isinstance(module, _ConvTransposeNd) else None
            set_weight(module, limited(weight, self.c, groups))


def limited(weight: Tensor, c: float, groups: int | None = None) -> Tensor:
    """Return a weight in which no output unit's vector is longer than `c`.

    Args:
        weight: `(out, ...)`, or `(in, out / groups, ...)` of a transposed convolution.
        c: the largest length.
        groups: of a transposed convolution; None for every other layer.
    """
    if groups is None:
        return weight * factors(weight, c, tuple(range(1, weight.ndim)))
    grouped = weight.unflatten(0, (groups, -1))  # (groups, in / groups, out / groups, ...)
    axes = (1, *range(3, grouped.ndim))
    return (grouped * factors(grouped, c, axes)).flatten(0, 1)


def factors(weight: Tensor, c: float, axes: tuple[int, ...]) -> Tensor:
    """Return what each vector is to be multiplied by: exactly 1 where it is short enough."""
    norms = torch.linalg.vector_norm(wide(weight), dim=axes, keepdim=True)
    return (c / norms).clamp(max=1).to(weight.dtype)  # c / 0 is inf
