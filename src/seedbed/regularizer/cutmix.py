"""CutMix: training on images with a patch of another image.

Formula: a box of share 1-λ from xⱼ in xᵢ, λ ~ Beta(α, α); y = λ' yᵢ + (1-λ') yⱼ, λ' as clipped
Source: Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features", eq. 1 and 2, https://arxiv.org/abs/1905.04899
"""

import math

import torch
from torch import nn

from seedbed.regularizer._mixing import blend, mixable, refuse_alpha, refuse_hidden, share
from seedbed.types import Batch, Regularizer, Spec


class CutMix(Regularizer):
    """Pastes a box of another image of the batch into every image; targets mix by area.

    One box a batch.  Classes become probabilities `(B, C)`, values are mixed in proportion to
    the area that is left after the box is cut off at the image's border.

    Args:
        alpha: α of λ ~ Beta(α, α), > 0; a box covers the share 1-λ: 1 any size alike.

    Raises:
        ValueError: `alpha` is not positive, targets are hidden, or the inputs are no images.
    """

    order = -1  # noise is added to the patched image, not pasted

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        refuse_alpha(alpha)
        self.alpha = alpha
        self.spec: Spec | None = None

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Learn what the targets are."""
        refuse_hidden(spec)
        if len(spec.shape) != 3:
            raise ValueError(f"cutmix needs images, got inputs of shape {spec.shape}")
        self.spec = spec

    def on_batch(self, batch: Batch) -> Batch:
        """Paste a box of the batch in another order."""
        assert self.spec is not None, "prepare comes first"
        height, width = batch.x.shape[-2:]
        top, bottom, left, right = box(height, width, share(self.alpha))
        other = torch.randperm(len(batch.x), device=batch.x.device)
        x, y = batch.x.clone(), mixable(batch.y, self.spec, batch.x)
        x[..., top:bottom, left:right] = batch.x[other, :, top:bottom, left:right]
        kept = 1 - (bottom - top) * (right - left) / (height * width)
        return batch._replace(x=x, y=blend(y, y[other], kept))


def box(height: int, width: int, kept: float) -> tuple[int, int, int, int]:
    """Draw top, bottom, left and right of a box that covers 1 - `kept`, cut off at the border.

    From the CPU's generator, so that no accelerator is waited for.
    """
    side = math.sqrt(1 - kept)
    edges = []
    for length in (height, width):
        cut, centre = int(length * side), int(torch.randint(length, ()))
        start = centre - cut // 2
        edges += [max(start, 0), min(start + cut, length)]
    return edges[0], edges[1], edges[2], edges[3]
