"""Rates that fall from the head down."""

from math import nan

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.param_groups.layer_decay import LayerDecay


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 4, 3), nn.Linear(4, 3)
    )


def test_the_head_keeps_its_rate_and_norm_layers_belong_to_the_layer_before() -> None:
    groups = LayerDecay(0.5)(network())
    assert [g["name"] for g in groups] == ["layer_1", "layer_2", "layer_3"]
    assert [g["lr_multiplier"] for g in groups] == [0.25, 0.5, 1.0]
    shapes = [[tuple(p.shape) for p in g["params"]] for g in groups]
    assert shapes == [[(2, 1, 3, 3), (2,), (2,), (2,)], [(4, 2, 3, 3), (4,)], [(3, 4), (3,)]]


def test_biases_and_norm_layers_need_not_decay() -> None:
    groups = {g["name"]: g for g in LayerDecay(0.5, no_decay=True)(network())}
    assert list(groups) == [f"layer_{k}{end}" for k in (1, 2, 3) for end in ("", "_no_decay")]
    assert groups["layer_1"]["lr_multiplier"] == groups["layer_1_no_decay"]["lr_multiplier"] == 0.25
    assert [tuple(p.shape) for p in groups["layer_1"]["params"]] == [(2, 1, 3, 3)]
    assert all(("weight_decay" in g) == name.endswith("no_decay") for name, g in groups.items())
    assert groups["layer_3_no_decay"]["weight_decay"] == 0


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)


def test_a_block_is_one_layer() -> None:
    model = nn.Sequential(nn.Linear(3, 3), Block(), nn.Sequential(Block()), nn.Linear(3, 3))
    groups = LayerDecay(0.5, block="Block")(model)
    assert [g["lr_multiplier"] for g in groups] == [0.125, 0.25, 0.5, 1.0]
    assert [len(g["params"]) for g in groups] == [2, 4, 4, 2]
    assert len(LayerDecay(0.5)(model)) == 6


def test_a_block_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="block=Blok: the model has no module of that type, it"):
        LayerDecay(block="Blok")(network())


def test_what_comes_before_the_first_layer_is_as_slow_as_it() -> None:
    model = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 3), nn.Linear(3, 3))
    assert [len(g["params"]) for g in LayerDecay()(model)] == [4, 2]


def test_a_shared_weight_counts_once() -> None:
    first, again, head = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False), nn.Linear(3, 2)
    again.weight = first.weight
    groups = LayerDecay(0.5)(nn.Sequential(first, again, head))
    assert [g["lr_multiplier"] for g in groups] == [0.5, 1.0]


def test_under_weight_norm_a_layer_stays_together() -> None:
    model = nn.Sequential(weight_norm(nn.Linear(3, 4)), weight_norm(nn.Linear(4, 2)))
    groups = LayerDecay(0.5)(model)
    assert [len(g["params"]) for g in groups] == [3, 3]
    for group, layer in zip(groups, model, strict=True):
        assert {id(p) for p in group["params"]} == {id(p) for p in layer.parameters()}


@pytest.mark.parametrize("wrong", [0.0, 1.1, -1, nan])
def test_a_factor_outside_its_range_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="decay must lie"):
        LayerDecay(wrong)


def test_no_decay_at_all_is_one_rate() -> None:
    assert {g["lr_multiplier"] for g in LayerDecay(1.0)(network())} == {1.0}
    torch.optim.SGD(LayerDecay(1.0)(network()), lr=0.1)
