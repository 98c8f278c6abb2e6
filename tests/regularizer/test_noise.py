"""The spread of the noise, in which units."""

import math

import pytest
import torch
from torch import Tensor, nn

from seedbed.regularizer.noise import Noise
from seedbed.scaling.l2 import L2
from seedbed.scaling.minmax import MinMax
from seedbed.scaling.standard import Standard
from seedbed.types import Batch, Spec

SPEC = Spec((3,), "class", 2, ("a", "b"))
N = 100_000


class Scaled(nn.Module):
    def __init__(self, scaling: nn.Module) -> None:
        super().__init__()
        self.scaling = scaling


def noise(std: float, x: Tensor, scaling: nn.Module | None = None) -> Tensor:
    torch.manual_seed(0)
    regularizer = Noise(std)
    regularizer.prepare(Scaled(scaling) if scaling else nn.Identity(), SPEC)
    batch = regularizer.on_batch(Batch(x, torch.zeros(len(x)).long()))
    assert batch.y.sum() == 0
    return batch.x - x


def close(measured: Tensor, expected: list[float]) -> bool:
    """Tell whether standard deviations over N draws lie within 4 standard errors."""
    wanted = torch.tensor(expected)
    return bool(((measured - wanted).abs() <= 4 * wanted / math.sqrt(2 * N)).all())


def test_without_scaling_it_is_in_the_units_of_the_data() -> None:
    added = noise(0.3, torch.zeros(N, 3))
    assert close(added.std(0), [0.3, 0.3, 0.3])
    assert added.mean(0).abs().max() < 4 * 0.3 / math.sqrt(N)
    assert added.T.corrcoef().triu(1).abs().max() < 4 / math.sqrt(N)


def test_under_a_scaling_it_is_in_the_units_that_the_model_sees() -> None:
    x = torch.tensor([[-1.0, 100.0, 5.0], [1.0, 300.0, 5.0]])  # deviations 1, 100, none
    standard = Standard((3,))
    standard.fit(x)
    assert close(noise(0.3, torch.zeros(N, 3), standard).std(0), [0.3, 30.0, 0.3])
    minmax = MinMax((3,), range=(-1.0, 1.0))
    minmax.fit(x)
    assert close(noise(0.3, torch.zeros(N, 3), minmax).std(0), [0.3, 30.0, 0.15])
    assert close(noise(0.3, torch.zeros(N, 3), L2()).std(0), [0.3, 0.3, 0.3])


def test_a_mean_that_swallows_the_deviation_in_single_precision_does_no_harm() -> None:
    standard = Standard((3,))
    standard.mean.fill_(1e7)
    standard.std.fill_(0.25)
    assert close(noise(0.4, torch.zeros(N, 3), standard).std(0), [0.1, 0.1, 0.1])


def test_images_have_a_unit_a_channel() -> None:
    standard = Standard((2, 4, 4))
    standard.std.copy_(torch.tensor([1.0, 5.0]).reshape(1, 2, 1, 1))
    regularizer = Noise(1.0)
    regularizer.prepare(Scaled(standard), Spec((2, 4, 4), "class", 2, ("a", "b")))
    torch.manual_seed(0)
    added = regularizer.on_batch(Batch(torch.zeros(5000, 2, 4, 4), torch.zeros(1))).x
    torch.testing.assert_close(added.std((0, 2, 3)), torch.tensor([1.0, 5.0]), rtol=0.02, atol=0)


def test_none_of_it_changes_nothing() -> None:
    x = torch.randn(4, 3)
    assert torch.equal(noise(0.0, x), torch.zeros(4, 3))


@pytest.mark.parametrize("std", [-0.1, float("nan"), float("inf")])
def test_a_deviation_outside_its_range_is_refused(std: float) -> None:
    with pytest.raises(ValueError, match="std must"):
        Noise(std)


def test_whole_numbers_as_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="noise needs inputs that are real numbers"):
        noise(0.1, torch.zeros(2, 3, dtype=torch.int64))
