"""The quick update is torch's fused one, to the last bit."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seedbed.optimizer._quick import Quick


def moved(quick: bool, kind: Any, later: dict[str, float], missing: int | None = None) -> list[Any]:
    """Return weights and state after some updates of two groups."""
    torch.manual_seed(1)
    weights = [nn.Parameter(torch.randn(*size)) for size in ((7, 5), (7,), (3, 7))]
    groups = [
        {"params": weights[:1], "weight_decay": 0.1},
        {"params": weights[1:], "lr": 0.3, "betas": (0.5, 0.9)},
    ]
    optimizer = kind(groups, lr=0.01, fused=True)
    step = Quick(optimizer).step if quick else optimizer.step
    for update in range(6):
        if update == 3:
            optimizer.param_groups[0] |= later

        def closure(update: int = update) -> Tensor:
            optimizer.zero_grad()
            with torch.enable_grad():
                loss = sum(((w - update).cos() * w).sum() for w in weights)
                loss.backward()  # pyright: ignore[reportAttributeAccessIssue]
            if missing == update:
                weights[1].grad = None
            return loss  # pyright: ignore[reportReturnType]

        step(closure)
    state = [v.tolist() for each in optimizer.state.values() for v in each.values()]
    return [[w.tolist() for w in weights], state]


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
@pytest.mark.parametrize("later", [{}, {"lr": 0.5}, {"weight_decay": 0.0, "eps": 0.1}])
@pytest.mark.parametrize("missing", [None, 0, 4])
def test_same_bits(kind: Any, later: dict[str, float], missing: int | None) -> None:
    assert moved(True, kind, later, missing) == moved(False, kind, later, missing)


@pytest.mark.parametrize("options", [{"amsgrad": True}, {"fused": False}, {"maximize": True}])
def test_other_options_go_torch_s_way_or_the_same(options: dict[str, Any]) -> None:
    def kind(groups: Any, lr: float, fused: bool) -> torch.optim.Optimizer:
        chosen: dict[str, Any] = {"fused": fused} | options
        return torch.optim.Adam(groups, lr=lr, **chosen)

    assert moved(True, kind, {}) == moved(False, kind, {})


def test_hooks_of_the_optimizer_are_called() -> None:
    calls = []
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weight], fused=True)
    optimizer.register_step_post_hook(lambda *given: calls.append(1))
    quick = Quick(optimizer)
    for _ in range(3):
        quick.step(lambda: weight.square().sum().backward())
    assert calls == [1, 1, 1]
