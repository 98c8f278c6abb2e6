"""The length of many tensors as one."""

import pytest
import torch

from seedbed.length import total_norm


@pytest.mark.parametrize("size", [1.0, 2e19, 3e30, 1e-25, 1e-40])
def test_neither_overflows_nor_vanishes(size: float) -> None:
    parts = [torch.full((3,), size), torch.full((2, 2), 2 * size)]
    expected = (3 + 4 * 4) ** 0.5 * size  # √(3·1² + 4·2²) = √19
    assert total_norm(parts).item() == pytest.approx(expected, rel=1e-4)


def test_what_is_not_finite_stays_so() -> None:
    assert total_norm([torch.tensor([1.0, float("inf")])]).isinf()
    assert total_norm([torch.ones(2), torch.tensor([float("nan")])]).isnan()


def test_nothing_has_no_length() -> None:
    assert total_norm([]).item() == 0
