"""What models of images share: the check of their inputs, and the mean over a map."""

from collections.abc import Sequence

from torch import Tensor, nn


def check_images(name: str, shape: Sequence[int], halvings: int) -> None:
    """Refuse inputs that are no images, or that so many halvings leave without a pixel.

    Raises:
        ValueError: the inputs do not fit.
    """
    if len(shape) != 3:
        raise ValueError(f"{name} needs images (channels, height, width), got shape {tuple(shape)}")
    smallest = 2**halvings
    if min(shape[1:]) < smallest:
        raise ValueError(
            f"{name} halves height and width {halvings} times and needs images of at least "
            f"{smallest}x{smallest} pixels, got {shape[1]}x{shape[2]}"
        )


def check_widths(name: str, widths: Sequence[int], *, empty: bool = False) -> None:
    """Refuse widths below 1, and none at all unless that may be.

    Raises:
        ValueError: there are such.
    """
    if not widths and not empty:
        raise ValueError(f"{name} must not be empty")
    if any(width < 1 for width in widths):
        raise ValueError(f"{name} must all be at least 1, got {list(widths)}")


class GlobalMean(nn.Module):
    """Averages each map, which makes the number of weights independent of the image's size."""

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, C, H, W)` to `(B, C)`."""
        return x.mean((2, 3))
