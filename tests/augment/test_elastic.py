"""Elastic distortion: how far, how smooth, how independent."""

import pytest
import torch

from seedbed.augment._elastic import displacements, gaussian
from seedbed.augment.basic import Basic


def field(size: tuple[int, int], strength: float, smoothness: float) -> torch.Tensor:
    """Return displacements in pixels, `(B, H, W, 2)` to the right and down."""
    torch.manual_seed(0)
    x = torch.zeros(1000, 1, *size, dtype=torch.float64)
    moves = displacements(x, strength, smoothness)
    return moves * torch.tensor([size[1] / 2, size[0] / 2])


def test_the_spread_is_the_strength_at_every_pixel_borders_too() -> None:
    moves = field((20, 30), strength=0.05, smoothness=0.1)
    assert moves.shape == (1000, 20, 30, 2)
    spread = moves.std(0)
    torch.testing.assert_close(spread[..., 0].mean(), torch.tensor(1.5).double(), rtol=0.02, atol=0)
    torch.testing.assert_close(spread[..., 1].mean(), torch.tensor(1.0).double(), rtol=0.02, atol=0)
    assert spread[..., 1].min() > 0.85
    assert spread[..., 1].max() < 1.15
    assert moves.mean(0).abs().max() < 4.5 * 1.5 / 1000**0.5


def test_neighbours_move_together_as_far_as_smoothness_says() -> None:
    moves = field((24, 24), strength=0.05, smoothness=0.125)[..., 0]  # a Gaussian of 3 pixels
    for distance in (2, 4):
        pair = torch.stack([moves[:, 12, 8].flatten(), moves[:, 12, 8 + distance].flatten()])
        expected = torch.exp(torch.tensor(-(distance**2) / (4 * 9))).item()
        assert pair.corrcoef()[0, 1].item() == pytest.approx(expected, abs=0.1)
    across = torch.stack([moves[:, 4, 4], moves[:, 20, 20]])
    assert across.corrcoef()[0, 1].abs() < 0.15


def test_the_two_directions_and_the_images_are_independent() -> None:
    moves = field((8, 8), 0.1, 0.3)
    pair = torch.stack([moves[:, 3, 3, 0], moves[:, 3, 3, 1]])
    assert pair.corrcoef()[0, 1].abs() < 0.13
    assert len(moves.flatten(1).unique(dim=0)) == 1000


def test_a_gaussian_of_whole_pixels() -> None:
    kernel = gaussian(2.0, torch.zeros((), dtype=torch.float64))
    assert len(kernel) == 13
    assert kernel.sum().item() == pytest.approx(1)
    assert (kernel[7] / kernel[6]).item() == pytest.approx(2.718281828 ** (-1 / 8))


def test_only_bending_keeps_a_constant_image_and_changes_another() -> None:
    torch.manual_seed(0)
    bend = Basic(0, 0, 0, 0, elastic=0.03)
    out = bend(torch.ones(4, 1, 28, 28))
    torch.testing.assert_close(out[..., 8:-8, 8:-8], torch.ones(4, 1, 12, 12))
    ramp = torch.arange(28.0).expand(4, 1, 28, 28).contiguous()
    moved = (bend(ramp) - ramp)[..., 8:-8, 8:-8]
    assert 0.3 < moved.std().item() < 1.7  # .03 · 28 = .84 pixels
