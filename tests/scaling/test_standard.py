"""Standard scaling against scikit-learn and by hand."""

import pytest
import torch
from sklearn.preprocessing import StandardScaler

from seedbed.data.fashion_mnist import DEBIAN, FashionMNIST
from seedbed.scaling.standard import Standard


def test_by_hand() -> None:
    scaling = Standard((1,))
    scaling.fit(torch.tensor([[2.0], [4.0], [6.0], [12.0]]))  # mean 6, variance 56 / 4
    scaled = scaling(torch.tensor([[6.0], [20.0], [-8.0]]))
    torch.testing.assert_close(scaled, torch.tensor([[0.0], [14**0.5], [-(14**0.5)]]))


def test_a_table_is_scaled_as_by_scikit_learn() -> None:
    g = torch.Generator().manual_seed(1)
    spread, centre = torch.tensor([1.0, 250.0, 0.003]), torch.tensor([40.0, -900.0, 0.01])
    train, new = (torch.randn(n, 3, generator=g) * spread + centre for n in (37, 5))
    scaling, reference = Standard((3,)), StandardScaler().fit(train.double().numpy())
    scaling.fit(train)
    expected = torch.from_numpy(reference.transform(new.double().numpy())).float()
    torch.testing.assert_close(scaling(new), expected, rtol=1e-4, atol=1e-4)


def test_images_are_scaled_per_channel() -> None:
    x = torch.rand(9, 3, 4, 5, generator=torch.Generator().manual_seed(2))
    x = x * torch.tensor([1.0, 30.0, 0.2]).reshape(3, 1, 1) + 4
    scaling = Standard((3, 4, 5))
    scaling.fit(x)
    pixels = x.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    expected = torch.from_numpy(StandardScaler().fit_transform(pixels)).float()
    scaled = scaling(x).permute(0, 2, 3, 1).reshape(-1, 3)
    torch.testing.assert_close(scaled, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7, 1e-20])
def test_a_constant_feature_becomes_0(value: float) -> None:
    scaling = Standard((2,))
    train = torch.tensor([[value, 1.0], [value, 2.0], [value, 4.0]])
    scaling.fit(train)
    assert scaling(train)[:, 0].tolist() == [0, 0, 0]
    assert scaling(train + torch.tensor([4.0, 0]))[:, 0].tolist() == [4, 4, 4]  # not divided


def test_a_long_sum_keeps_its_digits() -> None:
    x = torch.linspace(1000, 1007, 1_000_003)[:, None]
    scaling = Standard((1,))
    scaling.fit(x)
    assert scaling.mean.item() == x.double().mean().float().item()
    assert scaling.std.item() == x.double().std(correction=0).float().item()


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1.0, 1e150, 1e300])
def test_no_magnitude_is_too_much(scale: float) -> None:
    x = torch.tensor([[2.0], [4.0], [6.0], [12.0]]).double()
    scaling = Standard((1,))
    scaling.fit(iter([x[:1] * scale, x[1:] * scale]))
    torch.testing.assert_close(scaling(x * scale), (x - 6) / 14**0.5, rtol=1e-12, atol=1e-12)


def test_what_rounding_makes_of_a_constant_is_one() -> None:
    x = torch.tensor([[0.1 + 0.2], [0.3], [0.3]]).double()
    scaling = Standard((1,))
    scaling.fit(x)
    reference = StandardScaler().fit_transform(x.numpy())
    torch.testing.assert_close(scaling(x), torch.from_numpy(reference), rtol=0, atol=1e-15)


def test_one_value_in_a_thousand_that_differs_counts() -> None:
    x = torch.full((100_000, 1), 1e6)
    x[7] += 50
    scaling = Standard((1,))
    scaling.fit(x)
    expected = x.double().std(correction=0).item()
    assert scaling.std.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.is_dir(), reason="the package dataset-fashion-mnist is missing")
def test_fashion_mnist() -> None:
    train, _ = FashionMNIST().read()
    assert len(train.x) == 60_000
    scaling = Standard((1, 28, 28))
    scaling.fit(train.x)
    assert scaling.mean.item() == pytest.approx(0.28604, abs=5e-6)
    assert scaling.std.item() == pytest.approx(0.35302, abs=5e-6)
