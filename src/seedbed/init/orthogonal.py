"""Orthogonal initialisation: rotations, which keep the length of every signal.

Formula: QᵀQ = I, W = gain·Q, of each weight as a matrix n_out × n_in (its smaller side)
Source: Saxe et al. 2014, "Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear
Neural Networks", https://arxiv.org/abs/1312.6120.
"""

import math

import torch
from torch import Tensor, nn

from seedbed.init._fill import fill
from seedbed.types import Spec


class Orthogonal:
    """Keeps the length of signals and gradients through deep linear layers exactly.

    Kernels of convolutions are flattened to a row for each of their maps.

    Args:
        gain: factor on the rotation, > 0; √2 makes up for ReLU.  Biases are zero.

    Raises:
        ValueError: `gain` lies outside its range.
    """

    fills = True

    def __init__(self, gain: float = 1.0) -> None:
        if not 0 < gain < math.inf:
            raise ValueError(f"gain must be positive and finite, got {gain}")
        self.gain = gain

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        fill(model, self._draw)

    def _draw(self, weight: Tensor, n_in: int, n_out: int) -> None:
        precise = weight.to(torch.promote_types(weight.dtype, torch.float32))  # QR has no half
        weight.copy_(nn.init.orthogonal_(torch.empty_like(precise), self.gain))
