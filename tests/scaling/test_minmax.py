"""Min-max scaling against scikit-learn and by hand."""

import pytest
import torch
from sklearn.preprocessing import MinMaxScaler

from seedbed.scaling.minmax import MinMax


def test_by_hand() -> None:
    scaling = MinMax((1,), (-1, 1))
    scaling.fit(torch.tensor([[10.0], [14.0], [20.0]]))
    scaled = scaling(torch.tensor([[10.0], [12.5], [20.0], [25.0]]))
    torch.testing.assert_close(scaled, torch.tensor([[-1.0], [-0.5], [1.0], [2.0]]))


@pytest.mark.parametrize("interval", [(0.0, 1.0), (-1.0, 1.0), (2.0, 7.5)])
def test_a_table_is_scaled_as_by_scikit_learn(interval: tuple[float, float]) -> None:
    g = torch.Generator().manual_seed(3)
    train, new = (torch.randn(n, 4, generator=g).double() * 50 + 7 for n in (23, 6))
    train[:, 2] = -0.3
    new[:, 2] = -0.3
    scaling = MinMax((4,), interval)
    scaling.fit(train)
    reference = MinMaxScaler(feature_range=interval).fit(train.numpy())
    expected = torch.from_numpy(reference.transform(new.numpy()))
    torch.testing.assert_close(scaling(new), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("interval", [(0.0, 1.0), (-1.0, 1.0), (2.0, 7.5)])
def test_a_constant_feature_becomes_the_start(interval: tuple[float, float]) -> None:
    x = torch.tensor([[0.7, 1.0], [0.7, 5.0]])
    scaling = MinMax((2,), interval)
    scaling.fit(x)
    assert scaling(x)[:, 0].tolist() == [interval[0]] * 2


def test_images_are_scaled_per_channel() -> None:
    x = torch.rand(6, 2, 3, 5, generator=torch.Generator().manual_seed(4))
    x[:, 1] = x[:, 1] * 90 - 20
    scaling = MinMax((2, 3, 5))
    scaling.fit(x)
    scaled = scaling(x)
    torch.testing.assert_close(scaled.amin((0, 2, 3)), torch.zeros(2))
    torch.testing.assert_close(scaled.amax((0, 2, 3)), torch.ones(2))
    assert (scaled.amax((0, 3)) < 1).any()  # not per row: somewhere the largest is missing


@pytest.mark.parametrize("interval", [(1.0, 1.0), (1.0, 0.0)])
def test_an_empty_interval_is_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="smaller to a larger"):
        MinMax((1,), interval)
