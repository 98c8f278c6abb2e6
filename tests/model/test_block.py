"""Norms by hand, and what stands where."""

from typing import Any

import pytest
import torch
from torch import nn

from seedbed.model._block import Block
from seedbed.model.mlp import MLP


def kinds(parts: list[nn.Module]) -> list[str]:
    return [type(part).__name__ for part in parts]


@pytest.mark.parametrize(
    ("norm", "position", "dense", "conv"),
    [
        ("none", "before", "Linear Tanh Dropout", "Conv2d Tanh"),
        ("batch", "before", "Linear BatchNorm1d Tanh Dropout", "Conv2d BatchNorm2d Tanh"),
        ("batch", "after", "Linear Tanh BatchNorm1d Dropout", "Conv2d Tanh BatchNorm2d"),
        ("layer", "before", "Linear LayerNorm Tanh Dropout", "Conv2d GroupNorm Tanh"),
        ("layer", "after", "Linear Tanh LayerNorm Dropout", "Conv2d Tanh GroupNorm"),
        ("group", "before", "Linear GroupNorm Tanh Dropout", "Conv2d GroupNorm Tanh"),
        ("group", "after", "Linear Tanh GroupNorm Dropout", "Conv2d Tanh GroupNorm"),
        ("weight", "after", "ParametrizedLinear Tanh Dropout", "ParametrizedConv2d Tanh"),
    ],
)
def test_order_of_the_parts(norm: Any, position: Any, dense: str, conv: str) -> None:
    block = Block(norm, position, activation="tanh")
    assert kinds(block.dense(8, 8)) == dense.split()
    assert kinds(block.conv(8, 8, 3)) == conv.split()


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "group", "weight"])
@pytest.mark.parametrize("position", ["before", "after"])
def test_no_bias_where_a_norm_follows_directly(norm: Any, position: Any) -> None:
    block = Block(norm, position)
    shifted = norm in ("batch", "layer", "group") and position == "before"
    for layer in (block.dense(8, 8)[0], block.conv(8, 8, 3)[0]):
        assert (layer.bias is None) == shifted


def test_batch_norm_by_hand() -> None:
    norm = Block("batch").dense(1, 1)[1]
    assert isinstance(norm, nn.BatchNorm1d)
    outputs = norm(torch.tensor([[1.0], [3.0]]))
    assert outputs.flatten().tolist() == pytest.approx([-1, 1], abs=1e-5)
    # 0.9·0 + 0.1·2, and 0.9·1 + 0.1·2: the unbiased variance
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.running_mean.item() == pytest.approx(0.2)
    assert norm.running_var.item() == pytest.approx(1.1)
    evaluated = norm.eval()(torch.tensor([[1.0], [3.0]])).flatten().tolist()
    assert evaluated == pytest.approx([0.8 / 1.10001**0.5, 2.8 / 1.10001**0.5])


def test_momentum_is_the_weight_of_the_newest_batch_and_eps_is_added_to_the_variance() -> None:
    norm = Block("batch", momentum=0.75, eps=3.0).conv(1, 1, 3)[1]
    assert isinstance(norm, nn.BatchNorm2d)
    x = torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2)
    assert norm(x).flatten().tolist() == pytest.approx([-0.5, 0.5])  # √(1 + 3) = 2
    assert norm.running_mean is not None
    assert norm.running_mean.item() == pytest.approx(1.5)


def test_layer_norm_of_maps_is_over_channels_and_places_of_each_example() -> None:
    x = torch.randn(5, 6, 3, 4, dtype=torch.float64) * 7 + 2
    norm = Block("layer").conv(6, 6, 3)[1].double()
    flat = x.flatten(1)
    expected = (flat - flat.mean(1, keepdim=True)) / (
        flat.var(1, correction=0, keepdim=True) + 1e-5
    ).sqrt()
    torch.testing.assert_close(norm(x), expected.reshape(x.shape))
    assert [tuple(p.shape) for p in norm.parameters()] == [(6,), (6,)]


def test_layer_norm_of_units_is_over_the_units_of_each_example() -> None:
    norm = Block("layer").dense(4, 4)[1]
    x = torch.tensor([[1.0, 3.0, 1.0, 3.0], [0.0, 0.0, 8.0, 8.0]])
    signs = torch.tensor([[-1.0, 1, -1, 1], [-1, -1, 1, 1]])
    torch.testing.assert_close(norm(x), signs, atol=1e-5, rtol=0)


def test_group_norm_is_over_neighbouring_channels_of_each_example() -> None:
    x = torch.randn(2, 6, 5, dtype=torch.float64)
    norm = Block("group", groups=3).conv(6, 6, 3)[1].double()
    parts = x.reshape(2, 3, 10)
    expected = (parts - parts.mean(2, keepdim=True)) / (
        parts.var(2, correction=0, keepdim=True) + 1e-5
    ).sqrt()
    torch.testing.assert_close(norm(x), expected.reshape(x.shape))


@pytest.mark.parametrize(("norm", "groups", "width"), [("layer", 4, 1), ("group", 4, 4)])
def test_a_norm_that_would_erase_its_input_is_refused(norm: Any, groups: int, width: int) -> None:
    with pytest.raises(ValueError, match="over one unit at a time"):
        MLP((3,), 2, widths=[width], norm=norm, groups=groups)


def test_weight_norm_separates_length_and_direction_of_each_row() -> None:
    layer: Any = Block("weight").dense(7, 5)[0]
    magnitude = layer.parametrizations["weight"].original0
    assert magnitude.shape == (5, 1)
    with torch.no_grad():
        magnitude.copy_(torch.arange(1.0, 6).reshape(5, 1))
    torch.testing.assert_close(layer.weight.norm(dim=1), torch.arange(1.0, 6))
