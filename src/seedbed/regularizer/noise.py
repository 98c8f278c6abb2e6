"""Gaussian noise on the inputs.

Formula: x ← x + σ s ε, ε ~ N(0, 1), s = what one unit of scaled input is in units of the data
Source: Bishop 1995, "Training with Noise is Equivalent to Tikhonov Regularization", Neural
    Computation 7, eq. 4, https://doi.org/10.1162/neco.1995.7.1.108
"""

from copy import deepcopy
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.regularizer._mixing import refuse_whole_numbers
from seedbed.types import Batch, Regularizer, Spec


class Noise(Regularizer):
    """Adds fresh noise to the inputs of every training step, so that small changes matter less.

    A feature's noise is measured in the units that the model sees: with scaling=standard std is
    a share of the feature's standard deviation, with scaling=minmax of its range.  Without
    scaling, and with one that cannot be undone (l2), it is in the units of the data.

    Args:
        std: σ, standard deviation of the noise, >= 0.

    Raises:
        ValueError: `std` is negative, or inputs are whole numbers.
    """

    unit: Tensor | None  # (1, C, 1, ...), or None for the units of the data

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        if not 0 <= std < inf:
            raise ValueError(f"std must be at least 0 and finite, got {std}")
        self.std = std
        self.register_buffer("unit", None, persistent=False)

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Measure what the model's fitted scaling takes for 1."""
        scaling = getattr(model, "scaling", None)
        if hasattr(scaling, "inverse"):
            self.unit = unit_of(scaling, spec.shape)

    def on_batch(self, batch: Batch) -> Batch:
        """Add noise to the inputs."""
        refuse_whole_numbers("noise", batch.x)
        if self.std == 0:
            return batch
        noise = self.std * torch.randn_like(batch.x)
        if self.unit is not None:
            noise = noise * self.unit.to(noise)
        return batch._replace(x=batch.x + noise)


def unit_of(scaling: Any, shape: tuple[int, ...]) -> Tensor:
    """Return how far each input moves when the scaled one moves by 1, `(1, *shape)`."""
    precise = deepcopy(scaling).cpu().double()  # in single precision a large mean swallows it
    zero = torch.zeros(1, *shape, dtype=torch.float64)
    return (precise.inverse(zero + 1) - precise.inverse(zero)).float()
