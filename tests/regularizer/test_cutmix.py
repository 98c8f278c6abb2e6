"""CutMix: the box, and the targets that follow its true area."""

import pytest
import torch
from torch import nn

from seedbed.regularizer.cutmix import CutMix, box
from seedbed.types import Batch, Spec

SPEC = Spec((2, 7, 9), "class", 5, tuple("abcde"))


def cutmix(alpha: float = 1.0, spec: Spec = SPEC) -> CutMix:
    made = CutMix(alpha)
    made.prepare(nn.Identity(), spec)
    return made


def test_targets_say_which_share_of_the_pixels_is_whose() -> None:
    torch.manual_seed(0)
    x = torch.arange(5.0).reshape(5, 1, 1, 1).expand(5, 2, 7, 9).contiguous()
    seen = set()
    for _ in range(200):
        batch = cutmix().on_batch(Batch(x, torch.arange(5)))
        shares = torch.stack([(batch.x == k).float().mean((1, 2, 3)) for k in range(5)], 1)
        torch.testing.assert_close(batch.y, shares)
        seen.add(round(shares.max().item() * 63))
    assert len(seen) > 15


def test_the_other_s_pixels_are_one_box_at_their_own_place() -> None:
    torch.manual_seed(1)
    place = torch.arange(63.0).reshape(1, 1, 7, 9)
    x = place + 100 * torch.arange(5.0).reshape(5, 1, 1, 1).expand(5, 2, 7, 9)
    for _ in range(50):
        batch = cutmix().on_batch(Batch(x, torch.arange(5)))
        assert torch.equal(batch.x % 100, place.expand_as(x))
        assert torch.equal(batch.x[:, 0], batch.x[:, 1])
        for i in range(5):
            foreign = (batch.x[i, 0] - x[i, 0]).abs() > 50
            if foreign.any():
                rows, columns = foreign.any(1), foreign.any(0)
                assert torch.equal(foreign, rows[:, None] & columns[None, :])
                assert rows.nonzero().diff(dim=0).eq(1).all()
                assert columns.nonzero().diff(dim=0).eq(1).all()


def test_boxes_cover_their_share_unless_the_border_cuts_them_off() -> None:
    torch.manual_seed(0)
    areas = []
    for _ in range(2000):
        top, bottom, left, right = box(40, 80, kept=0.75)  # sides 20 and 40
        assert 0 <= top <= bottom <= 40
        assert 0 <= left <= right <= 80
        assert bottom - top <= 20
        assert right - left <= 40
        areas.append((bottom - top) * (right - left))
    whole = sum(area == 800 for area in areas) / 2000
    assert abs(whole - 21 / 40 * 41 / 80) < 0.05  # centres far enough from the border
    assert min(areas) <= 12 * 23
    top, bottom, left, right = box(8, 8, kept=1.0)
    assert (top, left) == (bottom, right)


def test_values_mix_by_area() -> None:
    torch.manual_seed(0)
    x = torch.rand(5, 1, 1, 1).expand(5, 2, 7, 9).contiguous()
    y = x[:, 0, 0, :1]
    batch = cutmix(spec=Spec((2, 7, 9), "value", 1)).on_batch(Batch(x, y))
    torch.testing.assert_close(batch.y[:, 0], batch.x.mean((1, 2, 3)))


def test_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="cutmix needs images"):
        cutmix(spec=Spec((4,), "class", 2, ("a", "b")))


@pytest.mark.parametrize("alpha", [0.0, float("nan")])
def test_an_alpha_outside_its_range_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be positive"):
        CutMix(alpha)
