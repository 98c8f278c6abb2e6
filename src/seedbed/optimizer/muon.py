"""Muon: momentum whose matrices are made nearly orthogonal; AdamW for everything else.

Formula: W ← (1 - ηλ) W - η √max(1, rows/cols) · U p⁵(σ/‖M‖) Vᵀ, p(s) = 3.4445s - 4.775s³ + 2.0315s⁵
Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
https://kellerjordan.github.io/posts/muon/.

Our own, because torch's takes matrices only: it needs a second optimizer beside it, where a
schedule or a checkpoint knows one; and it rounds to bfloat16 on every device, the CPU too.
"""

from collections import defaultdict
from math import sqrt
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

A, B, C = 3.4445, -4.775, 2.0315


def orthogonalized(matrices: Tensor, steps: int = 5) -> Tensor:
    """Return U p(...p(Σ/‖M‖)) Vᵀ of each M = U Σ Vᵀ, `(N, rows, cols)`; a zero stays zero.

    In bfloat16 on a GPU, which is fast there and good enough; as they are on a CPU.
    """
    quick = matrices.is_cuda and matrices.dtype != torch.float64
    largest = matrices.abs().amax((1, 2), keepdim=True)  # squares of tiny numbers would vanish
    x = matrices / torch.where(largest == 0, 1, largest)
    norm = torch.linalg.matrix_norm(x, keepdim=True)
    x = (x / torch.where(norm == 0, 1, norm)).to(torch.bfloat16 if quick else x.dtype)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(steps):
        gram = x @ x.mT
        x = A * x + (B * gram + C * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


def is_matrix(parameter: Tensor | tuple[str, Tensor]) -> bool:
    """Return whether Muon moves it: two dimensions, and neither a row nor a column alone."""
    p = parameter[1] if isinstance(parameter, tuple) else parameter
    return p.ndim == 2 and min(p.shape) > 1


class Muon(Optimizer):
    """Moves every matrix equally far in all its directions, so rare ones are learned too.

    Each group that holds matrices and others becomes two: `<name>` and `<name>_adamw` (`adamw`
    where there are no names), so logs and schedules see both rates.  Matrices are all weights of
    two dimensions, embeddings and the head included; its authors leave those two to AdamW.
    Kernels of convolutions, biases, norm layers and vectors in disguise (a single row or column,
    as the magnitudes of weight norm) take AdamW.

    Args:
        params: parameters, or groups of them; a group's own `lr` is that of its matrices, and
            AdamW's rate keeps its ratio to it.
        lr: of the matrices, >= 0.
        momentum: share of the past, in [0, 1).
        nesterov: look ahead by one step of the momentum.
        weight_decay: λ, apart from the gradient, of matrices and others, >= 0.
        steps: Newton–Schulz iterations, >= 1.
        adamw_lr: rate of everything that is no matrix, >= 0.
        betas: of AdamW, each in [0, 1).
        eps: of AdamW, >= 0.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        steps: int = 5,
        adamw_lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
    ) -> None:
        check_positive(lr=lr, weight_decay=weight_decay, adamw_lr=adamw_lr, eps=eps)
        check_shares(momentum=momentum, **{f"betas[{k}]": b for k, b in enumerate(betas)})
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "nesterov": nesterov,
            "steps": steps,
            "weight_decay": weight_decay,
            "betas": betas,
            "eps": eps,
            "adamw_lr": adamw_lr,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group as two: its matrices, and the others with AdamW's rate."""
        given = param_group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        matrices = [p for p in params if is_matrix(p)]
        others = [p for p in params if not is_matrix(p)]
        rest: dict[str, Any] = {k: v for k, v in param_group.items() if k != "params"}
        if matrices or not others:
            super().add_param_group({**rest, "params": matrices, "muon": True})
        if others:
            own, usual = rest.get("lr", self.defaults["lr"]), self.defaults["lr"]
            lr = self.defaults["adamw_lr"] * (own / usual if usual else 1)
            if matrices and "name" in rest:
                rest["name"] = f"{rest['name']}_adamw".lstrip("_")
            super().add_param_group({**rest, "params": others, "lr": lr, "muon": False})

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        """Update the weights and return the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            if params := trained(group):
                if group["weight_decay"]:
                    torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
                (self.orthogonal if group["muon"] else self.adamw)(params, group)
        return loss

    def orthogonal(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Update matrices; those of one shape at once."""
        lr, momentum = group["lr"], group["momentum"]
        for p in params:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        gradients: list[Any] = [p.grad for p in params]
        kept: list[Tensor] = [self.state[p]["momentum"] for p in params]
        torch._foreach_lerp_(kept, gradients, 1 - momentum)
        ahead = torch._foreach_lerp(gradients, kept, momentum) if group["nesterov"] else kept
        alike: dict[Any, list[int]] = defaultdict(list)
        for k, p in enumerate(params):
            alike[p.shape, p.dtype, p.device].append(k)
        for (shape, _dtype, _device), places in alike.items():
            updates = orthogonalized(
                torch.stack([ahead[k] for k in places]), group["steps"]
            ).unbind()
            stretch = sqrt(max(1, shape[0] / shape[1]))
            torch._foreach_add_([params[k] for k in places], list(updates), alpha=-lr * stretch)

    def adamw(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Update everything else by AdamW."""
        lr, betas = group["lr"], group["betas"]
        for p in params:
            state = self.state[p]
            if not state:
                state["step"] = 0
                state["mean"], state["square"] = torch.zeros_like(p), torch.zeros_like(p)
            state["step"] += 1
        gradients: list[Any] = [p.grad for p in params]
        means: list[Tensor] = [self.state[p]["mean"] for p in params]
        squares: list[Tensor] = [self.state[p]["square"] for p in params]
        ages = [self.state[p]["step"] for p in params]
        torch._foreach_lerp_(means, gradients, 1 - betas[0])
        torch._foreach_mul_(squares, betas[1])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - betas[1])
        spread = torch._foreach_sqrt(squares)
        torch._foreach_div_(spread, [sqrt(1 - betas[1] ** age) for age in ages])
        torch._foreach_add_(spread, group["eps"])
        sizes = [-lr / (1 - betas[0] ** age) for age in ages]
        torch._foreach_addcdiv_(params, means, spread, sizes)
