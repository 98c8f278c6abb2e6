"""Lion: the sign of a momentum, so every weight moves by the same amount.

Formula: w ← w - η (sign(β₁m + (1 - β₁)g) + λw), m ← β₂m + (1 - β₂)g
Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2,
https://arxiv.org/abs/2302.06675.

torch has none.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from seedbed.optimizer._own import (
    Closure,
    Parameters,
    check_positive,
    check_shares,
    evaluate,
    trained,
)


class Lion(Optimizer):
    """Moves every weight by `lr`, up or down; wants a rate 3 to 10 times below that of AdamW.

    Args:
        params: parameters, or groups of them.
        lr: size of every step, >= 0.
        betas: share of the past in the direction of this step, and in the momentum that is
            kept, each in [0, 1).
        weight_decay: λ, apart from the gradient as in AdamW, >= 0; wants to be 3 to 10 times
            above that of AdamW.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        check_positive(lr=lr, weight_decay=weight_decay)
        check_shares(**{f"betas[{k}]": beta for k, beta in enumerate(betas)})
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        """Update the weights and return the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            if params := trained(group):
                self.move(params, group)
        return loss

    def move(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Update the parameters of one group."""
        lr, betas = group["lr"], group["betas"]
        gradients: list[Any] = [p.grad for p in params]
        for p in params:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        momenta: list[Tensor] = [self.state[p]["momentum"] for p in params]
        direction = torch._foreach_mul(momenta, betas[0])
        torch._foreach_add_(direction, gradients, alpha=1 - betas[0])
        torch._foreach_sign_(direction)
        if group["weight_decay"]:
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        torch._foreach_add_(params, direction, alpha=-lr)
        torch._foreach_mul_(momenta, betas[1])
        torch._foreach_add_(momenta, gradients, alpha=1 - betas[1])
