"""What mixup and CutMix share: the share λ, and targets that can be mixed."""

from math import inf

import torch
import torch.nn.functional as F
from torch import Tensor

from seedbed.types import Spec


def refuse_alpha(alpha: float) -> None:
    """Raise a ValueError unless this can be the parameter of a Beta distribution."""
    if not 0 < alpha < inf:
        raise ValueError(f"alpha must be positive and finite, got {alpha}")


def share(alpha: float) -> float:
    """Draw λ ~ Beta(α, α) from the CPU's generator, so that no accelerator is waited for.

    From logarithms of Gamma variates: torch's Beta underflows below α = .01, where it returns ½
    in place of 0 or 1.
    """
    one_more = torch._standard_gamma(torch.full((2,), alpha + 1, dtype=torch.float64))
    uniform = 1 - torch.rand(2, dtype=torch.float64)  # in (0, 1]
    logs = one_more.log() + uniform.log() / alpha  # of Gamma(α): G(α) = G(α + 1) U^(1 / α)
    return (logs[0] - logs[1]).sigmoid().item()


def refuse_whole_numbers(name: str, x: Tensor) -> None:
    """Raise a ValueError unless inputs can be changed a little."""
    if not x.is_floating_point():
        raise ValueError(f"{name} needs inputs that are real numbers, got {x.dtype}")


def refuse_hidden(spec: Spec) -> None:
    """Raise a ValueError if the data hides targets."""
    if spec.masked:
        raise ValueError("mixing examples needs a target for each; the data hides some")


def mixable(y: Tensor, spec: Spec, x: Tensor) -> Tensor:
    """Return indices `(B,)` as probabilities `(B, C)` of the type of `x`; others as they are."""
    if spec.kind == "class" and not y.is_floating_point():
        return F.one_hot(y, len(spec.classes)).to(x.dtype)
    return y


def blend(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return `share` of `a` and the rest of `b`."""
    return share * a + (1 - share) * b
