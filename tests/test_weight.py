"""Which parameters are weights."""

import torch
from torch import nn

from seedbed.weight import mixing_modules, weights


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
