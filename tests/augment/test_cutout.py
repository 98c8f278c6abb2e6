"""Cutout: one square an image, of the right size, anywhere."""

import math
from typing import Any

import pytest
import torch

from seedbed.augment.cutout import Cutout


def hidden(size: float, height: int, width: int, count: int = 4000) -> torch.Tensor:
    """Return which pixels are hidden, `(count, height, width)`."""
    torch.manual_seed(0)
    out = Cutout(size)(torch.ones(count, 2, height, width))
    assert torch.equal(out[:, 0], out[:, 1])
    assert set(out.unique().tolist()) <= {0.0, 1.0}
    return out[:, 0] == 0


def test_it_is_one_square_cut_off_at_the_border_only() -> None:
    mask = hidden(0.5, 8, 12)  # a side of 4
    rows, columns = mask.any(2), mask.any(1)
    assert torch.equal(mask, rows[:, :, None] & columns[:, None, :])
    for marked, length in ((rows, 8), (columns, 12)):
        sizes = marked.sum(1)
        place = torch.arange(length)
        first = torch.where(marked, place, length).amin(1)
        last = torch.where(marked, place, -1).amax(1)
        assert torch.equal(last - first + 1, sizes)  # without a gap
        inside = (first > 0) & (last < length - 1)
        assert (sizes[inside] == 4).all()
        assert sizes.min() == 2
        assert sizes.max() == 4


@pytest.mark.parametrize(("size", "side"), [(0.5, 4), (0.375, 3), (1.0, 8), (0.125, 1)])
def test_centres_are_uniform_over_the_image(size: float, side: int) -> None:
    mask = hidden(size, 8, 12)
    # A pixel is hidden when the centre is in the square around it: by counting, for each axis.
    shares = []
    for length in (8, 12):
        starts = torch.arange(length)[:, None] - side // 2
        place = torch.arange(length)[None]
        shares.append(((place >= starts) & (place < starts + side)).double().mean(0))
    expected = shares[0][:, None] * shares[1][None, :]
    error = (expected * (1 - expected) / 4000).sqrt().clamp(min=1e-9)
    assert ((mask.double().mean(0) - expected).abs() <= 4.5 * error).all()


def test_every_image_has_its_own_square() -> None:
    assert len(hidden(0.25, 8, 8, 200).flatten(1).unique(dim=0)) > 50


def test_strength_0_is_the_identity() -> None:
    x = torch.randn(5, 3, 6, 7)
    assert torch.equal(Cutout(0)(x), x)
    assert torch.equal(Cutout(0.05)(x), x)  # less than half a pixel


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float64])
def test_other_pixels_and_the_type_stay(dtype: torch.dtype) -> None:
    x = (torch.rand(3, 2, 6, 6) * 200 + 1).to(dtype)
    out = Cutout(0.5, fill=7)(x)
    assert out.dtype == dtype
    assert ((out == x) | (out == 7)).all()
    assert (out == 7).any()


@pytest.mark.parametrize("wrong", [{"size": -0.1}, {"size": 1.1}, {"fill": math.nan}])
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        Cutout(**wrong)


def test_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="augment=cutout needs images"):
        Cutout()(torch.zeros(4, 5))
