"""Adam with Nesterov's look ahead.

Formula: w ← w - η (μₜ₊₁m/(1 - Πᵗ⁺¹μ) + (1 - μₜ)g/(1 - Πᵗμ)) / (√v̂ + ε), μₜ = β₁(1 - ½·.96^(tψ))
Source: Dozat 2016, "Incorporating Nesterov Momentum into Adam", algorithm 2,
https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.

torch's, with one repair: loading a checkpoint rounds the product Πμ to the type of the weights,
so that a run resumed in bfloat16 or double precision goes another way.
"""

from typing import Any

import torch


class NAdam(torch.optim.NAdam):
    """Moves every weight by about `lr`, as Adam does, and takes the gradient's part a step early.

    Args:
        params: parameters, or groups of them.
        lr: about the size of a step, >= 0.
        betas: share of the past in the mean and in the mean square of the gradient, in [0, 1).
        eps: added to the root of the mean square, >= 0.
        weight_decay: times the weights, added to the gradient, >= 0.
        momentum_decay: ψ, how fast the momentum grows from half of β₁ to all of it, >= 0.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
    ) -> None:
        options: dict[str, Any] = {"weight_decay": weight_decay, "momentum_decay": momentum_decay}
        super().__init__(params, lr, betas, eps, **options)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state, the product of the momenta as precise as it was."""
        super().load_state_dict(state_dict)
        saved = (k for group in state_dict["param_groups"] for k in group["params"])
        own = (p for group in self.param_groups for p in group["params"])
        for key, p in zip(saved, own, strict=True):
            if key in state_dict["state"]:
                self.state[p]["mu_product"] = state_dict["state"][key]["mu_product"].clone()
