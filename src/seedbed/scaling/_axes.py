"""Along which axes inputs are measured: images per channel, tables per feature."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

CHUNK = 1 << 20  # numbers


def all_but_channels(x: Tensor) -> list[int]:
    """Return the axes of `(N, C, H, W)` or `(N, D)` that are not axis 1."""
    return [axis for axis in range(x.ndim) if axis != 1]


def per_channel(shape: tuple[int, ...], value: float) -> Tensor:
    """Return one `value` for each channel or feature of inputs of `shape`, `(1, C, 1, ...)`."""
    return torch.full((1, shape[0], *[1] * (len(shape) - 1)), value)


def mask(shape: tuple[int, ...], untouched: Sequence[int]) -> Tensor:
    """Return which channels or features stay as they are, `(1, C, 1, ...)` bool."""
    kept = per_channel(shape, 0.0).bool()
    kept[:, list(untouched)] = True
    return kept


def pieces(x: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield the training inputs in chunks, `(n, C, ...)` each, that are small in any precision."""
    for chunk in [x] if isinstance(x, Tensor) else x:
        yield from chunk.split(max(1, CHUNK // max(1, chunk[0].numel())))


def refuse_infinite(*measured: Tensor) -> None:
    """Refuse to scale by what is no number.

    Raises:
        ValueError: a channel or feature has a value that is not finite, or too wide a range.
    """
    for values in measured:
        bad = (~values.isfinite()).flatten().nonzero()
        if len(bad):
            raise ValueError(
                f"feature {int(bad[0])} (from 0) cannot be scaled: its values are not finite, or "
                f"too far apart for {values.dtype}"
            )
