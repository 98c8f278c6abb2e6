"""Penalties of small models."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seedbed.types import Batch, Regularizer, Step


def small(weight: Sequence[Sequence[float]], bias: Sequence[float]) -> nn.Linear:
    """Return a linear layer of these numbers."""
    layer = nn.Linear(len(weight[0]), len(weight))
    layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    return layer


def penalty_of(regularizer: Regularizer, model: nn.Module) -> Tensor:
    """Return what a regularizer adds to the loss of a model, `()`."""
    batch = Batch(torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64))
    penalty = regularizer.penalty(Step(model, batch, torch.zeros(1, 1), torch.zeros(())))
    assert penalty is not None
    assert penalty.shape == ()
    return penalty
