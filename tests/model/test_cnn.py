"""The convolutional network against its definition."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from seedbed.model.cnn import CNN


def test_against_its_definition() -> None:
    model = CNN((2, 9, 13), 3, channels=[4, 6], kernel_size=5, hidden=7, activation="tanh")
    w1, b1, w2, b2, w3, b3, w4, b4 = model.parameters()
    x = torch.randn(5, 2, 9, 13)
    one = F.max_pool2d(F.conv2d(x, w1, b1, padding=2).tanh(), 2)
    two = F.max_pool2d(F.conv2d(one, w2, b2, padding=2).tanh(), 2)
    assert two.shape == (5, 6, 2, 3)
    expected = F.linear(F.linear(two.flatten(1), w3, b3).tanh(), w4, b4)
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid"])  # they rise
def test_pooling_before_what_rises_changes_nothing(activation: Any) -> None:
    late, early = (
        CNN((2, 9, 13), 3, [4, 6], 5, 7, activation, pool_position=position)
        for position in ("after", "before")
    )
    early.load_state_dict(late.state_dict())
    x = torch.randn(5, 2, 9, 13)
    torch.testing.assert_close(early(x), late(x))


def test_a_norm_after_pooling_sees_the_maxima() -> None:
    model = CNN((1, 8, 8), 3, [4], hidden=None, norm="batch", pool_position="before")
    x = torch.randn(6, 1, 8, 8)
    maxima = F.max_pool2d(F.conv2d(x, next(model.parameters()), padding=1), 2)
    mean, var = maxima.mean((0, 2, 3), keepdim=True), maxima.var((0, 2, 3), False, keepdim=True)
    maps = ((maxima - mean) / (var + 1e-5).sqrt()).relu()
    torch.testing.assert_close(model(x), model.head(maps.flatten(1)))


def test_number_of_parameters() -> None:
    # 9·32 + 32, 9·32·64 + 64, 64·7·7·128 + 128, 128·10 + 10
    count = sum(p.numel() for p in CNN((1, 28, 28), 10).parameters())
    assert count == 320 + 18_496 + 401_536 + 1_290


def test_without_stages_it_is_a_perceptron() -> None:
    shapes = [tuple(p.shape) for p in CNN((2, 3, 4), 5, channels=[], hidden=6).parameters()]
    assert shapes == [(6, 24), (6,), (5, 6), (5,)]


def test_dropout_is_off_at_evaluation() -> None:
    torch.manual_seed(0)
    model = CNN((1, 4, 4), 2, channels=[3], dropout=0.5)
    x = torch.randn(2, 1, 4, 4)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shape": (64,)}, "needs images"),
        ({"shape": (1, 3, 28)}, "at least 4x4 pixels, got 3x28"),
        ({"kernel_size": 4}, "kernel_size must"),
        ({"kernel_size": -1}, "kernel_size must"),
        ({"channels": [8, 0]}, "must all be at least 1"),
        ({"pool_position": "first"}, "pool_position must be before or after"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"dropout": -0.1}, "dropout must"),
    ],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CNN(**{"shape": (1, 8, 8), "outputs": 2} | wrong)


def test_the_smallest_image() -> None:
    assert CNN((1, 4, 4), 2)(torch.zeros(1, 1, 4, 4)).shape == (1, 2)
