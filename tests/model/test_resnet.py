"""The residual network against its definition."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seedbed.model.resnet import Residual, ResNet


def test_against_its_definition() -> None:
    model = ResNet((2, 9, 6), 3, channels=[4, 6], blocks=1, norm="none", activation="tanh")
    w0, b0, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5, w6, b6 = model.parameters()
    x = torch.randn(5, 2, 9, 6)
    stem = F.conv2d(x, w0, b0, padding=1).tanh()
    one = F.conv2d(F.conv2d(stem, w1, b1, padding=1).tanh(), w2, b2, padding=1)
    one = (one + stem).tanh()
    two = F.conv2d(one, w3, b3, stride=2, padding=1).tanh()
    two = F.conv2d(two, w4, b4, padding=1) + F.conv2d(one, w5, b5, stride=2)
    two = two.tanh()
    assert two.shape == (5, 6, 5, 3)
    torch.testing.assert_close(model(x), F.linear(two.mean((2, 3)), w6, b6))


def test_a_branch_of_zeros_leaves_the_input() -> None:
    for block in ResNet((1, 8, 8), 2).modules():
        if isinstance(block, Residual) and not len(block.shortcut):
            last = block.branch[-1]
            assert isinstance(last, nn.BatchNorm2d)
            nn.init.zeros_(last.weight)
            x = torch.rand(3, last.num_features, 4, 4)  # positive, so that ReLU leaves it
            assert torch.equal(block(x), x)


def test_the_norm_after_the_activation_follows_the_sum() -> None:
    model = ResNet((1, 8, 8), 2, norm_position="after")
    block = next(m for m in model.modules() if isinstance(m, Residual))
    assert [type(m) for m in block.out] == [nn.ReLU, nn.BatchNorm2d]
    assert [type(m) for m in block.branch] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.Conv2d]


def test_number_of_weighted_layers_is_that_of_the_paper() -> None:
    for blocks, layers in ((3, 20), (5, 32), (9, 56)):  # 6n + 2, projections not counted
        model = ResNet((3, 32, 32), 10, blocks=blocks)
        found = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
        assert len(found) + 1 == layers


def test_the_size_of_images_does_not_change_the_weights() -> None:
    shapes = [[p.shape for p in ResNet((1, n, n + 3), 4).parameters()] for n in (8, 33)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shape": (64,)}, "a resnet needs images"),
        ({"shape": (1, 3, 28)}, "at least 4x4 pixels, got 3x28"),
        ({"channels": []}, "channels must not be empty"),
        ({"channels": [16, 0]}, "channels must all be at least 1"),
        ({"blocks": 0}, "blocks must be at least 1"),
        ({"channels": [16, 18], "norm": "group"}, "groups=4 must divide"),
    ],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ResNet(**{"shape": (1, 8, 8), "outputs": 2} | wrong)


def test_the_smallest_image() -> None:
    assert ResNet((1, 4, 4), 2)(torch.zeros(2, 1, 4, 4)).shape == (2, 2)
