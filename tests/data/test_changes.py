"""Changes of images: their formulas by hand, their severities, their randomness."""

import math

import pytest
import torch
from torch import Tensor

from seedbed.data._changes import BLUR, CHANGES, CONTRAST, NOISE, changed, photos
from seedbed.data._pictures import resized

GREY = torch.full((40, 1, 28, 28), 0.5)


def some(count: int = 6, size: int = 12, channels: int = 1) -> Tensor:
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(1))


def impulse(size: int = 28) -> Tensor:
    x = torch.zeros(1, 1, size, size)
    x[..., size // 2, size // 2] = 1
    return x


def test_contrast_by_hand() -> None:
    x = torch.tensor([0.0, 0.2, 0.4, 1.0]).reshape(1, 1, 2, 2)  # mean 0.4
    expected = torch.tensor([0.2, 0.3, 0.4, 0.7]).reshape(1, 1, 2, 2)  # c = 0.5
    torch.testing.assert_close(changed(x, "contrast", 2, 0), expected)
    assert CONTRAST[1] == 0.5


def test_contrast_takes_the_mean_of_each_image_alone() -> None:
    x = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
    torch.testing.assert_close(changed(x, "contrast", 5, 0), x)


@pytest.mark.parametrize(("severity", "expected"), [(1, [0.2, 0.65, 0.8]), (5, [1.0, 0.25, 0.0])])
def test_inversion_by_hand(severity: int, expected: list[float]) -> None:
    x = torch.tensor([0.0, 0.75, 1.0]).reshape(1, 1, 1, 3)
    torch.testing.assert_close(changed(x, "invert", severity, 0).flatten(), torch.tensor(expected))


@pytest.mark.parametrize("severity", [1, 3])
def test_noise_has_its_standard_deviation(severity: int) -> None:
    """On grey, so that hardly anything is clipped; 31,360 draws err by 0.4 % of σ."""
    found = changed(GREY, "noise", severity, 0) - 0.5
    assert found.std().item() == pytest.approx(NOISE[severity - 1], rel=0.03)
    assert found.mean().abs() < 0.004


def test_noise_stays_between_black_and_white() -> None:
    found = changed(GREY, "noise", 5, 0)
    assert (found.min(), found.max()) == (0, 1)


def test_a_blurred_point_is_a_gauss_curve() -> None:
    """At severity 3 of an image 28 wide, σ is one pixel."""
    found = changed(impulse(), "blur", 3, 0)[0, 0]
    curve = torch.tensor([math.exp(-(d**2) / 2) for d in range(-3, 4)])
    curve /= curve.sum()
    torch.testing.assert_close(found[11:18, 11:18], torch.outer(curve, curve))
    assert found.sum().item() == pytest.approx(1)


def test_blur_grows_with_the_image() -> None:
    """The same severity of an image of twice the size has twice the σ."""

    def spread(size: int) -> float:
        found = changed(impulse(size), "blur", 5, 0)[0, 0].sum(0)
        place = torch.arange(size) - size // 2
        return float((found * place**2).sum().sqrt())

    assert spread(56) / spread(28) == pytest.approx(2, rel=0.02)
    assert spread(28) == pytest.approx(BLUR[4], rel=0.03)


def test_blur_keeps_channels_apart() -> None:
    x = some(channels=3)
    one = changed(x[:, 1:2], "blur", 4, 0)
    torch.testing.assert_close(changed(x, "blur", 4, 0)[:, 1:2], one)


@pytest.mark.parametrize("change", ["noise", "blur", "contrast", "invert", "blend"])
def test_a_higher_severity_changes_more(change: str) -> None:
    x = some(20)
    moved = [float((changed(x, change, s, 0) - x).abs().mean()) for s in range(1, 6)]
    assert moved == sorted(moved)
    assert len(set(moved)) == 5
    assert moved[0] > 0


@pytest.mark.parametrize("change", CHANGES)
def test_an_image_is_changed_alike_whatever_is_changed_with_it(change: str) -> None:
    x = some()
    whole = changed(x, change, 3, 7)
    assert whole.shape == x.shape
    assert whole.dtype == torch.float32
    torch.testing.assert_close(changed(x[:2], change, 3, 7), whole[:2])
    torch.testing.assert_close(changed(x[4:], change, 3, 7, first=4), whole[4:])


def test_many_images_have_their_own_noise_each() -> None:
    """They are changed in parts, which must not be seen."""
    x = torch.full((4100, 1, 1, 1), 0.5)
    found = changed(x, "noise", 1, 0).flatten()
    torch.testing.assert_close(found[4090:], changed(x[:10], "noise", 1, 0, first=4090).flatten())
    assert len(found.unique()) > 4000


@pytest.mark.parametrize("change", ["noise", "blend"])
def test_randomness_is_a_function_of_the_seed_and_nothing_else(change: str) -> None:
    x = some()
    found = changed(x, change, 3, 1)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    assert torch.equal(changed(x, change, 3, 1), found)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(changed(x, change, 3, 2), found)
    same = changed(x[:1].repeat(2, 1, 1, 1), change, 3, 1)
    assert not torch.equal(same[0], same[1])
    assert not torch.equal(same[1], changed(x[:1], change, 3, 2)[0])  # no seed is another's next


def test_a_quarter_turn_moves_pixels_and_nothing_else() -> None:
    x = some(channels=2)
    assert torch.equal(changed(x, "rotate", 90, 0), torch.rot90(x, 1, (2, 3)))
    assert torch.equal(changed(x, "rotate", -90, 0), torch.rot90(x, -1, (2, 3)))
    assert torch.equal(changed(x, "rotate", 360, 0), x)


@pytest.mark.parametrize("degrees", [30, 120, -45])
def test_a_slope_is_turned_with_the_image(degrees: int) -> None:
    """Brightness that grows to the right then grows in the direction of the angle."""
    place = torch.arange(20) - 9.5
    right = place.expand(20, 20)  # columns
    up = -place[:, None].expand(20, 20)
    found = changed((right / 40 + 0.5)[None, None], "rotate", degrees, 0)[0, 0]
    angle = math.radians(degrees)
    expected = (math.cos(angle) * right + math.sin(angle) * up) / 40 + 0.5
    inside = slice(6, 14)  # what comes in at the corners is black
    torch.testing.assert_close(found[inside, inside], expected[inside, inside])


def test_what_a_rotation_brings_in_is_black() -> None:
    assert changed(torch.ones(1, 1, 20, 20), "rotate", 45, 0)[0, 0, 0, 0] == 0


def test_a_photo_lies_behind_the_image() -> None:
    black = torch.zeros(3, 3, 28, 28)
    patch = changed(black, "blend", 5, 0)
    x = some(3, 28, 3)
    torch.testing.assert_close(changed(x, "blend", 5, 0), (x - patch).abs())
    torch.testing.assert_close(changed(x, "blend", 2, 0), (x - 0.4 * patch).abs())
    torch.testing.assert_close(
        changed(black[:, :1], "blend", 5, 0), patch.mean(1, keepdim=True)
    )  # grey
    torch.testing.assert_close(changed(black[..., :7, :7], "blend", 5, 0), resized(patch, 7))


def test_the_patches_are_parts_of_the_photos() -> None:
    patches = changed(torch.zeros(60, 3, 28, 28), "blend", 5, 0)
    assert photos().shape == (2, 3, 427, 640)
    found = [lies_in(patch) for patch in patches]
    assert {photo for photo, _ in found} == {0, 1}
    rows = [row for _, row in found]
    assert min(rows) < 40  # of 400 places, 60 draws leave out such an end once in 500 times
    assert max(rows) > 360


def lies_in(patch: Tensor) -> tuple[int, int]:
    """Return the photo and the row where a patch begins."""
    for number, photo in enumerate(photos()):
        corners = (photo[:, :400, :613] == patch[:, :1, :1]).all(0).nonzero().tolist()
        for row, column in corners:
            if torch.equal(photo[:, row : row + 28, column : column + 28], patch):
                return number, row
    raise AssertionError("the patch is of no photo")
