"""Rotation, zoom, shift and flip against whole-pixel moves."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from seedbed.augment.basic import Basic, motion, warp

ODD = torch.arange(1.0, 16).reshape(1, 1, 3, 5)  # higher than nothing, wider than high
SQUARE = torch.arange(1.0, 17).reshape(1, 1, 4, 4)


def moved(
    x: Tensor,
    *,
    angle: float = 0.0,
    size: float = 1.0,
    right: float = 0.0,
    down: float = 0.0,
    mirror: float = 1.0,
) -> Tensor:
    """Return `x` moved by exact amounts; shifts in pixels, the angle in degrees."""
    height, width = x.shape[-2:]
    amounts = (math.radians(angle), size, 2 * right / width, 2 * down / height, mirror)
    each = [torch.full((len(x),), amount) for amount in amounts]
    return warp(x, motion(*each, aspect=height / width))


@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_quarter_turns_are_rot90(quarters: int) -> None:
    expected = torch.rot90(SQUARE, quarters, (2, 3))
    torch.testing.assert_close(moved(SQUARE, angle=90 * quarters), expected)


def test_a_quarter_turn_of_a_wide_image_is_rot90_of_its_middle() -> None:
    turned = moved(ODD, angle=90)
    torch.testing.assert_close(turned[..., 1:4], torch.rot90(ODD[..., 1:4], 1, (2, 3)))
    assert turned[..., [0, 4]].abs().max() < 1e-5  # from above and below the image


def test_a_small_turn_is_counter_clockwise() -> None:
    x = torch.zeros(1, 1, 21, 41)
    x[0, 0, 10, 40] = 1  # 20 pixels right of the centre
    turned = moved(x, angle=30)[0, 0]
    mass = turned.sum()
    row = (turned.sum(1) * torch.arange(21)).sum() / mass
    column = (turned.sum(0) * torch.arange(41)).sum() / mass
    assert row.item() == pytest.approx(10 - 20 * math.sin(math.radians(30)), abs=0.6)
    assert column.item() == pytest.approx(20 + 20 * math.cos(math.radians(30)), abs=0.6)


def test_a_flip_mirrors_left_and_right_and_undoes_itself() -> None:
    torch.testing.assert_close(moved(ODD, mirror=-1.0), ODD.flip(3))
    torch.testing.assert_close(moved(moved(ODD, mirror=-1.0), mirror=-1.0), ODD)


def test_shifts_by_whole_pixels() -> None:
    expected = torch.zeros_like(ODD)
    expected[..., 1:, 2:] = ODD[..., :-1, :-2]
    torch.testing.assert_close(moved(ODD, right=2, down=1), expected)
    back = torch.zeros_like(ODD)
    back[..., :-1] = ODD[..., 1:]
    torch.testing.assert_close(moved(ODD, right=-1), back)


def test_whole_pixels_are_a_crop_of_the_image_in_a_black_frame() -> None:
    torch.manual_seed(0)
    size, most = 9, 2
    x = torch.randn(1, 1, size, size)
    frame = torch.nn.functional.pad(x, (most,) * 4)
    crops = frame.unfold(2, size, 1).unfold(3, size, 1).reshape(-1, size, size)
    sharp = Basic(rotation=0, zoom=0, shift=2.49 / size, whole_pixels=True)
    seen = sharp(x.expand(5000, -1, -1, -1))[:, 0]
    apart, which = (seen[:, None] - crops).abs().amax((2, 3)).min(1)
    assert apart.max() < 1e-5
    share = which.bincount(minlength=len(crops)) / len(seen)
    assert share.min() > 0.03  # 25 places as good as alike
    assert share.max() < 0.05
    blurred = Basic(rotation=0, zoom=0, shift=2.49 / size)(x.expand(50, -1, -1, -1))[:, 0]
    assert (blurred[:, None] - crops).abs().amax((2, 3)).min(1).values.median() > 0.1


def test_twice_the_size_shows_the_middle() -> None:
    x = torch.arange(8.0).repeat(8, 1)[None, None]  # a ramp: interpolation is exact on it
    expected = torch.arange(1.75, 5.5, 0.5).repeat(8, 1)[None, None]
    torch.testing.assert_close(moved(x, size=2.0), expected)


def test_half_the_size_leaves_nothing_outside() -> None:
    small = moved(torch.ones(1, 1, 8, 8), size=0.5)
    torch.testing.assert_close(small[..., 2:6, 2:6], torch.ones(1, 1, 4, 4))
    assert small.sum().item() == pytest.approx(16, abs=1e-4)


def test_a_turned_mirror_image_is_mirrored_first() -> None:
    turned = moved(SQUARE, angle=90, mirror=-1.0)
    torch.testing.assert_close(turned, torch.rot90(SQUARE.flip(3), 1, (2, 3)))


def test_strength_0_is_the_identity() -> None:
    x = torch.randn(5, 3, 6, 7)
    assert torch.equal(Basic(0, 0, 0, 0)(x), x)
    assert torch.equal(Basic(0, 0, 0, 0, shear=0, elastic=0, smoothness=0.5)(x), x)


def test_a_certain_flip_flips_all_and_half_of_them_half() -> None:
    torch.manual_seed(0)
    x = torch.rand(2000, 1, 1, 2)
    torch.testing.assert_close(Basic(0, 0, 0, flip=1.0)(x), x.flip(3))
    flipped = (Basic(0, 0, 0, flip=0.3)(x) - x).abs().amax((1, 2, 3)) > 1e-4
    share = flipped.double().mean().item()
    assert abs(share - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 2000) + 2e-3  # few are symmetric


@pytest.mark.parametrize(("option", "most"), [("right", 2.0), ("down", 1.0)])
def test_shifts_are_uniform_up_to_the_share(option: str, most: float) -> None:
    torch.manual_seed(0)
    # A ramp that reaches far beyond the crop tells by its value where a pixel came from.
    axis = 3 if option == "right" else 2
    sides = [4000, 1, 101, 201]
    ramp = torch.arange(float(sides[axis])).reshape(-1, *[1] * (3 - axis)).expand(sides[1:])
    x = ramp.expand(100, *sides[1:]).contiguous()
    moves = (x - Basic(0, 0, shift=most / 100, flip=0)(x))[:, 0, 50, 100]
    largest = most / 100 * sides[axis]
    assert moves.abs().max() <= largest + 1e-3
    assert moves.min() < -0.8 * largest
    assert moves.max() > 0.8 * largest


def test_every_image_moves_in_its_own_way() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 1, 8, 8).repeat(6, 1, 1, 1)
    assert len(Basic()(x).flatten(1).unique(dim=0)) == 6


DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.uint8]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtype_and_shape_stay(dtype: torch.dtype) -> None:
    out = Basic(flip=0.5, shear=10, elastic=0.02)((200 * torch.rand(3, 2, 5, 9)).to(dtype))
    assert (out.dtype, out.shape) == (dtype, (3, 2, 5, 9))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_half_precision_and_whole_numbers_lose_no_more_than_rounding(dtype: torch.dtype) -> None:
    x = (200 * torch.rand(4, 1, 64, 300)).to(dtype)
    flip = Basic(0, 0, 0, flip=1.0)
    torch.testing.assert_close(flip(x), x.flip(3), rtol=2**-7.9, atol=2e-2)
    torch.testing.assert_close(flip(flip(x)), x, rtol=2**-7.9, atol=2e-2)


@pytest.mark.parametrize("degrees", [45.0, -45.0])
def test_a_shear_of_45_degrees_moves_each_row_by_its_height(degrees: float) -> None:
    x = torch.rand(1, 1, 5, 9)
    still, one = torch.zeros(1), torch.ones(1)
    lean = torch.tensor([math.tan(math.radians(degrees))])
    out = warp(x, motion(still, one, still, still, one, 5 / 9, lean))
    for row in range(5):
        right = round(lean.item()) * (2 - row)  # the middle row stays
        expected = torch.zeros(9)
        for column in range(9):
            if 0 <= column - right < 9:
                expected[column] = x[0, 0, row, column - right]
        torch.testing.assert_close(out[0, 0, row], expected)


def test_a_sheared_image_is_turned_after_it() -> None:
    x = torch.rand(1, 1, 7, 7)
    still, one, turn = torch.zeros(1), torch.ones(1), torch.tensor([math.pi / 2])
    sheared = warp(x, motion(still, one, still, still, one, 1.0, one))
    both = warp(x, motion(turn, one, still, still, one, 1.0, one))
    torch.testing.assert_close(both, torch.rot90(sheared, 1, (2, 3)), atol=1e-4, rtol=1e-4)


def test_shears_are_uniform_up_to_the_angle() -> None:
    torch.manual_seed(0)
    ramp = torch.arange(101.0).expand(2000, 1, 41, 101).contiguous()
    moves = (ramp - Basic(0, 0, 0, 0, shear=30)(ramp))[:, 0, 10, 50]  # 10 pixels above the middle
    angles = torch.rad2deg((moves / 10).atan())
    assert angles.abs().max() <= 30.01
    assert abs(angles.mean().item()) < 4 * 30 / math.sqrt(3 * 2000)
    assert angles.std().item() == pytest.approx(30 / math.sqrt(3), rel=0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"rotation": 181.0}, {"zoom": 1.0}, {"shift": -0.1}, {"flip": 1.5}, {"shear": 90.0}),
        *({"elastic": -0.1}, {"smoothness": 0.0}, {"rotation": math.nan}, {"zoom": math.nan}),
    ],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        Basic(**wrong)


def test_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="needs images"):
        Basic()(torch.zeros(4, 5))
