"""Steps of one length: the gradient gives the direction alone.

Formula: w ← w - η g/‖g‖, ‖g‖ over all parameters together
Source: Cauchy 1847, "Méthode générale pour la résolution des systèmes d'équations simultanées";
Hazan, Levy & Shalev-Shwartz 2015, "Beyond Convexity: Stochastic Quasi-Convex Optimization",
algorithm 1, https://arxiv.org/abs/1507.02030.

Some courses print this rule under the name of Adagrad; torch has no optimizer for it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from seedbed.length import total_norm
from seedbed.optimizer._own import Closure, Parameters, check_positive, evaluate, trained


def slope_of(params: list[Tensor], weight_decay: float) -> list[Tensor]:
    """Return the gradients, with that of the penalty `weight_decay` · ½‖w‖² added."""
    gradients: list[Any] = [p.grad for p in params]
    if not weight_decay:
        return gradients
    return list(torch._foreach_add(gradients, params, alpha=weight_decay))


class Normalized(Optimizer):
    """Moves all weights together by exactly `lr`, however flat or steep the loss is.

    The norm is that of all parameters of all groups; each group goes along it at its own rate.
    A gradient of zero moves nothing.

    Args:
        params: parameters, or groups of them.
        lr: length of a step, >= 0.
        weight_decay: times the weights, added to the gradient before it is normalised, >= 0;
            the same as an L2 penalty.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(self, params: Parameters, lr: float = 0.01, weight_decay: float = 0.0) -> None:
        check_positive(lr=lr, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        """Update the weights and return the closure's loss."""
        loss = evaluate(closure)
        chosen = [(group, params) for group in self.param_groups if (params := trained(group))]
        slopes = [slope_of(params, group["weight_decay"]) for group, params in chosen]
        if not slopes:
            return loss
        norm = total_norm([each for slope in slopes for each in slope])
        norm = torch.where(norm == 0, 1, norm)
        for (group, params), slope in zip(chosen, slopes, strict=True):
            steps = torch._foreach_div(slope, norm.to(params[0].device))
            torch._foreach_add_(params, list(steps), alpha=-group["lr"])
        return loss
