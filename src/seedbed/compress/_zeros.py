"""Weights that were pruned stay pruned while the others learn on."""

from typing import Any

import torch
from torch import Tensor, nn

from seedbed import weight
from seedbed.types import Regularizer, Spec


class Zeros(Regularizer):
    """Keeps every weight at 0 that is exactly 0 when the training begins.

    The gradient of such a weight is 0, too, so that it counts in no norm; what an optimizer moves
    all the same (a decay, an orthogonalised step) is moved back.
    """

    order = 100  # after whatever else changes the weights

    def __init__(self) -> None:
        super().__init__()
        self.pruned: list[nn.Parameter] = []
        self.masks: list[Tensor] = []

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Find the zeros."""
        self.pruned = [p for p in weight.parameters(model) if bool((p == 0).any())]
        for parameter in self.pruned:
            parameter.register_hook(self.masked(len(self.masks)))
            self.masks.append((parameter.detach() != 0).to(parameter.dtype))

    def masked(self, number: int) -> Any:
        """Return what makes the gradient of a pruned weight 0."""

        def hook(gradient: Tensor) -> Tensor:
            self.follow(gradient)
            return gradient * self.masks[number]

        return hook

    def follow(self, like: Tensor) -> None:
        """Bring the masks to where the training takes place, once."""
        if self.masks[0].device != like.device or self.masks[0].dtype != like.dtype:
            self.masks = [mask.to(like) for mask in self.masks]

    @torch.no_grad()
    def after_step(self, model: nn.Module, lr: float) -> None:
        """Put back what an update has moved."""
        if self.pruned:
            self.follow(self.pruned[0])
            torch._foreach_mul_([p.data for p in self.pruned], self.masks)
