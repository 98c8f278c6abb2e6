"""Unit vectors against scikit-learn and by hand."""

import torch
from sklearn.preprocessing import Normalizer

from seedbed.scaling.l2 import L2


def test_by_hand() -> None:
    x = torch.tensor([[2.0, 3.0, 6.0], [0.0, 0.0, 0.0], [0.0, -0.5, 0.0]])
    expected = torch.tensor([[2 / 7, 3 / 7, 6 / 7], [0, 0, 0], [0, -1, 0]])
    torch.testing.assert_close(L2()(x), expected)


def test_a_table_is_scaled_as_by_scikit_learn() -> None:
    x = torch.randn(11, 5, generator=torch.Generator().manual_seed(5)).double() * 300
    expected = torch.from_numpy(Normalizer().fit_transform(x.numpy()))
    torch.testing.assert_close(L2()(x), expected, rtol=1e-12, atol=1e-12)


def test_an_image_has_one_length() -> None:
    x = torch.randn(4, 3, 2, 5, generator=torch.Generator().manual_seed(6))
    scaled = L2()(x)
    assert scaled.shape == x.shape
    torch.testing.assert_close(scaled.flatten(1).norm(dim=1), torch.ones(4))
    torch.testing.assert_close(scaled[2] * x[2].norm(), x[2])


def test_very_small_and_very_large_vectors_have_length_1() -> None:
    x = torch.tensor([[3e-30, 4e-30], [3e30, 4e30]])
    torch.testing.assert_close(L2()(x), torch.tensor([[0.6, 0.8], [0.6, 0.8]]))
