"""What was pruned stays 0, whatever the optimizer does; everything else learns."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seedbed.compress._zeros import Zeros
from seedbed.optimizer.lion import Lion
from seedbed.optimizer.muon import Muon
from seedbed.types import Spec

SPEC = Spec((6,), "class", 3, ("a", "b", "c"))
OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1, 0.9, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, 0.1),
    "lion": lambda p: Lion(p, 0.1),
    "muon": lambda p: Muon(p, 0.1),  # every entry of an orthogonal step differs from 0
}


def net() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        made.get_parameter("0.weight")[:, ::2] = 0
        made.get_parameter("1.weight")[:4] = 0  # no weight of a layer: free to learn
        made.get_parameter("1.bias").fill_(0.1)
    return made


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_zeros_stay_and_the_rest_learns(name: str) -> None:
    model, zeros = net(), Zeros()
    weight = model.get_parameter("0.weight")
    zeros.prepare(model, SPEC)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = OPTIMIZERS[name](model.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(32, 6)), torch.randint(3, (32,))).backward()
        gradient = weight.grad
        assert gradient is not None
        assert torch.count_nonzero(gradient[:, ::2]) == 0
        assert torch.count_nonzero(gradient[4:, 1::2]) == 12
        optimizer.step()
        zeros.after_step(model, 0.1)
        assert torch.count_nonzero(weight[:, ::2]) == 0
    for key in ("0.weight", "1.weight", "3.weight"):
        moved = model.state_dict()[key] != before[key]
        assert moved[4:, 1::2].all() if key == "0.weight" else moved.any(), key
    assert (model.get_parameter("1.weight")[:4] != 0).all()


def test_a_dense_model_is_left_alone() -> None:
    model, zeros = nn.Linear(6, 3), Zeros()
    zeros.prepare(model, SPEC)
    zeros.after_step(model, 0.1)
    assert zeros.masks == []
