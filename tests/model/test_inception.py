"""Inception modules against their definition."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seedbed.model.inception import Inception, Module


def test_against_its_definition() -> None:
    model = Inception((2, 5, 6), 3, stem=4, widths=[16, 32], norm="none", activation="tanh")
    w = list(model.parameters())
    x = torch.randn(3, 2, 5, 6)

    def conv(x: torch.Tensor, k: int) -> torch.Tensor:
        return F.conv2d(x, w[k], w[k + 1], padding=w[k].shape[-1] // 2).tanh()

    def module(x: torch.Tensor, k: int) -> torch.Tensor:
        pooled = F.max_pool2d(x, 3, stride=1, padding=1)
        branches = [conv(x, k), conv(conv(x, k + 2), k + 4), conv(conv(x, k + 6), k + 8)]
        return torch.cat([*branches, conv(pooled, k + 10)], 1)

    features = module(F.max_pool2d(module(conv(x, 0), 2), 2), 14)
    assert features.shape == (3, 32, 2, 3)
    torch.testing.assert_close(model(x), F.linear(features.mean((2, 3)), w[26], w[27]))


def test_shares_are_those_of_the_papers_first_module() -> None:
    module = next(
        m
        for m in Inception((3, 8, 8), 2, stem=192, widths=[256]).modules()
        if isinstance(m, Module)
    )
    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
    wired = [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in layers]
    three, five = [(192, 96, 1), (96, 128, 3)], [(192, 16, 1), (16, 32, 5)]
    assert wired == [(192, 64, 1), *three, *five, (192, 32, 1)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shape": (64,)}, "inception needs images"),
        ({"shape": (1, 1, 28)}, "at least 2x2 pixels, got 1x28"),
        ({"widths": []}, "widths must not be empty"),
        ({"widths": [24]}, "multiples of 16"),
        ({"widths": [0]}, "widths must all be at least 1"),
        ({"stem": 0}, "stem must all be at least 1"),
        ({"widths": [48], "norm": "group"}, "groups=4 must divide the number of channels, got 18"),
    ],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Inception(**{"shape": (1, 8, 8), "outputs": 2} | wrong)


def test_the_smallest_image() -> None:
    assert Inception((1, 2, 2), 2)(torch.zeros(2, 1, 2, 2)).shape == (2, 2)
