"""Muon against the singular values, and AdamW beside it."""

from math import sqrt
from typing import Any

import pytest
import torch
from option import build
from torch import Tensor, nn

from seedbed.optimizer.muon import Muon, orthogonalized

SHAPES = [(6, 6), (12, 5), (5, 12), (2, 40), (64, 3)]


def closed_form(matrix: Tensor) -> Tensor:
    """Return U p⁵(σ/‖M‖) Vᵀ √max(1, rows/cols), by the singular values."""
    u, s, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    s = s / s.norm()
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    rows, cols = matrix.shape
    return u @ torch.diag(s) @ v * sqrt(max(1.0, rows / cols))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("size", [1e-25, 1.0, 1e15])
def test_the_first_step_is_the_closed_form(shape: tuple[int, int], size: float) -> None:
    torch.manual_seed(0)
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        w = nn.Parameter(torch.zeros(shape, dtype=dtype))
        w.grad = size * torch.randn(shape, dtype=dtype)
        Muon([w], lr=0.1).step()
        expected = -0.1 * closed_form(w.grad)
        torch.testing.assert_close(w.detach().double(), expected, atol=0.1 * tolerance, rtol=0)


def test_torch_s_own_is_the_same_within_bfloat16() -> None:
    torch.manual_seed(0)
    ours, torchs = (nn.Parameter(torch.ones(8, 5)) for _ in range(2))
    one = Muon([ours], lr=0.1, weight_decay=0.3)
    other = torch.optim.Muon([torchs], lr=0.1, weight_decay=0.3)
    for _ in range(4):
        ours.grad = torch.randn(8, 5)
        torchs.grad = ours.grad.clone()
        one.step()
        other.step()
    torch.testing.assert_close(ours, torchs, atol=4 * 0.1 * sqrt(1.6) * 2e-2, rtol=0)


@pytest.mark.parametrize("nesterov", [True, False])
def test_the_momentum_is_made_orthogonal_not_the_gradient(nesterov: bool) -> None:
    torch.manual_seed(0)
    gradients = torch.randn(3, 4, 6, dtype=torch.float64)
    w, kept, expected = nn.Parameter(torch.ones_like(gradients[0])), 0.0, torch.ones(4, 6).double()
    optimizer = Muon([w], lr=0.1, momentum=0.8, nesterov=nesterov, weight_decay=0.5)
    for g in gradients:
        w.grad = g.clone()
        optimizer.step()
        kept = 0.8 * kept + 0.2 * g
        ahead = 0.8 * kept + 0.2 * g if nesterov else kept
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * closed_form(ahead)
    torch.testing.assert_close(w.detach(), expected)


def test_matrices_of_one_shape_do_not_mix() -> None:
    torch.manual_seed(0)
    params = [nn.Parameter(torch.zeros(3, 4).double()) for _ in range(3)]
    for k, p in enumerate(params):
        p.grad = 10.0**k * torch.randn(3, 4).double()
    Muon(params, lr=1.0).step()
    for p in params:
        assert p.grad is not None
        torch.testing.assert_close(p.detach(), -closed_form(p.grad))


def test_a_zero_gradient_moves_nothing() -> None:
    assert torch.equal(orthogonalized(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def test_everything_else_is_torch_s_adamw() -> None:
    torch.manual_seed(0)
    shapes = [(4, 1, 3, 3), (7,), (), (5, 1), (1, 5)]
    ours, torchs = ([nn.Parameter(torch.ones(s).double()) for s in shapes] for _ in range(2))
    options: dict[str, Any] = {"betas": (0.8, 0.97), "eps": 1e-3, "weight_decay": 0.2}
    one = Muon(ours, lr=0.3, adamw_lr=0.01, **options)
    other = torch.optim.AdamW(torchs, lr=0.01, **options)
    for _ in range(5):
        for p, q in zip(ours, torchs, strict=True):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        one.step()
        other.step()
    for p, q in zip(ours, torchs, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)


def test_a_group_is_split_in_two_and_the_second_rate_keeps_its_ratio() -> None:
    layer, norm = nn.Linear(3, 4), nn.LayerNorm(4)
    groups = [
        {"name": "", "params": layer.parameters(), "lr": 0.01},
        {"name": "norm", "params": norm.parameters(), "weight_decay": 0.0},
    ]
    made = build("optimizer", "muon", params=groups, lr=0.04, adamw_lr=0.002).param_groups
    assert [(g["name"], g["lr"], len(g["params"])) for g in made] == [
        ("", 0.01, 1),
        ("adamw", pytest.approx(0.0005), 1),
        ("norm", 0.002, 2),
    ]
    assert [g["weight_decay"] for g in made] == [0.0, 0.0, 0.0]
