"""Which parameters are weights."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.weight import mixing_modules, parameters, set_weight, weights


def test_weights_are_matrices_and_kernels() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 4), nn.LayerNorm(4)
    )
    assert [w.shape for w in weights(model)] == [(2, 1, 3, 3), (4, 8)]


def test_a_scale_of_many_dimensions_is_no_weight() -> None:
    norm = nn.LayerNorm([4, 5])  # its scale is (4, 5)
    assert weights(nn.Sequential(nn.Linear(5, 5, bias=False), norm))[0].shape == (5, 5)
    assert weights(norm) == []


def test_a_shared_weight_counts_once_and_a_frozen_one_not() -> None:
    a, b, c = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
    b.weight = a.weight
    c.weight.requires_grad_(False)
    found = weights(nn.Sequential(a, b, c))
    assert len(found) == 1
    assert found[0] is a.weight


def test_mixing_modules_are_told_by_type() -> None:
    model = nn.ModuleList(
        [nn.ConvTranspose1d(1, 1, 1), nn.Bilinear(1, 1, 1), nn.Embedding(3, 3), nn.ReLU()]
    )
    assert [type(m) for m in mixing_modules(model)] == [nn.ConvTranspose1d, nn.Bilinear]
    assert torch.is_tensor(weights(model)[0])


def test_under_weight_norm_the_weight_is_the_product() -> None:
    layer = nn.Linear(2, 1, bias=False)
    set_weight(layer, torch.tensor([[3.0, 4.0]]))
    weight_norm(layer)
    magnitude, direction = layer.parameters()
    with torch.no_grad():
        magnitude.fill_(10.0)
    [weight] = weights(layer)
    assert weight.tolist() == [[6, 8]]  # 10 · (3, 4) / 5
    weight.sum().backward()
    assert magnitude.grad is not None
    assert magnitude.grad.item() == pytest.approx(1.4)  # (3 + 4) / 5
    assert parameters(layer) == [direction]
    set_weight(layer, torch.tensor([[0.0, 2.0]]))
    assert weights(layer)[0].tolist() == [[0, 2]]
    assert magnitude.item() == 2


def test_under_weight_norm_a_row_of_zeros_is_zero_and_keeps_its_direction() -> None:
    layer = nn.Linear(2, 2, bias=False)
    set_weight(layer, torch.tensor([[3.0, 4.0], [1.0, 0.0]]))
    weight_norm(layer)
    set_weight(layer, torch.tensor([[0.0, 0.0], [0.0, 5.0]]))
    assert weights(layer)[0].tolist() == [[0, 0], [0, 5]]
    magnitude, direction = layer.parameters()
    assert magnitude.flatten().tolist() == [0, 5]
    assert direction.tolist() == [[3, 4], [0, 5]]
    weights(layer)[0].sum().backward()
    assert magnitude.grad is not None
    assert magnitude.grad[0].item() == pytest.approx(1.4)  # it can grow again
