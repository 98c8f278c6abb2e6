"""No decay on biases and norm layers."""

import torch
from torch import nn

from seedbed.param_groups.no_decay import NoDecay


def test_only_weights_decay() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LayerNorm([4, 4]), nn.Linear(4, 3)
    )
    decay, rest = NoDecay()(model)
    assert [p.shape for p in decay["params"]] == [(2, 1, 3, 3), (3, 4)]
    assert [p.shape for p in rest["params"]] == [(2,), (2,), (2,), (4, 4), (4, 4), (3,)]
    assert (decay["name"], rest["name"], rest["weight_decay"]) == ("decay", "no_decay", 0.0)
    assert "weight_decay" not in decay  # the optimizer's own


def test_no_group_is_empty() -> None:
    assert [g["name"] for g in NoDecay()(nn.Linear(2, 2, bias=False))] == ["decay"]
    assert [g["name"] for g in NoDecay()(nn.LayerNorm(3))] == ["no_decay"]


def test_a_weight_that_is_frozen_for_now_still_decays() -> None:
    model = nn.Linear(2, 2)
    model.weight.requires_grad_(False)
    assert NoDecay()(model)[0]["params"][0] is model.weight


def test_the_optimizer_decays_weights_alone() -> None:
    model = nn.Linear(3, 3)
    nn.init.ones_(model.weight)
    nn.init.ones_(model.bias)
    optimizer = torch.optim.AdamW(NoDecay()(model), lr=0.1, weight_decay=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model.weight, torch.full((3, 3), 0.95))
    assert model.bias.tolist() == [1, 1, 1]
