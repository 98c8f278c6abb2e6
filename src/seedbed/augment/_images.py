"""What the augmentations of images share."""

import torch
from torch import Tensor


def refuse_others(name: str, x: Tensor) -> None:
    """Raise a ValueError unless the inputs are images, `(B, channels, height, width)`."""
    if x.ndim != 4:
        raise ValueError(f"augment={name} needs images, got inputs of shape {tuple(x.shape[1:])}")


def wide(x: Tensor) -> Tensor:
    """Return `x` in at least single precision; half precision misses the place of a pixel."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def narrow(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return real numbers as `dtype`, rounded where it has whole numbers only."""
    if dtype.is_floating_point:
        return x.to(dtype)
    limits = torch.iinfo(dtype)
    return x.round().clamp(limits.min, limits.max).to(dtype)
