"""The proximal step of the L1 norm: exact zeros, which a gradient never reaches.

Formula: w ← sign(w) · max(|w| - η λ, 0) after the update
Source: Beck & Teboulle 2009, "A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse
    Problems", SIAM J. Imaging Sci. 2, eq. 1.4 and 1.5, https://doi.org/10.1137/080716542
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from seedbed.weight import mixing_modules, weighted_modules


def refuse_parametrized(model: nn.Module) -> None:
    """Raise a ValueError if a weight is made of others, as under weight norm."""
    if any(is_parametrized(module, "weight") for module in mixing_modules(model)):
        raise ValueError(
            "proximal steps need plain weights, and under weight norm they are products; "
            "set proximal=false or another norm"
        )


@torch.no_grad()
def shrink(model: nn.Module, coef: float, lr: float, rates: Mapping[int, float]) -> None:
    """Move every weight towards 0 by `coef` times its learning rate, and stop there.

    Args:
        model: whose weights change in place.
        coef: λ, of the L1 norm.
        lr: η of the update that was just made.
        rates: η of parameters by `id`, where groups have rates of their own.
    """
    for module in weighted_modules(model):
        weight = module.get_parameter("weight")
        weight.copy_(F.softshrink(weight, coef * rates.get(id(weight), lr)))
