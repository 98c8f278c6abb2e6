"""Every test image seen twice, as it is and in a mirror; moved a little as well, if asked to.

Formula: m(x) = (f(x) + f(x[..., ::-1])) / 2, f what the net says of raw inputs; z = m(x), or
    z = m(x) / 2 + (m(x moved up and left) + m(x moved down and right)) / 4
Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional
    Neural Networks", section 4.1, where reflections of patches are averaged at the test,
    https://papers.nips.cc/paper/4824; Simonyan & Zisserman 2015, "Very Deep Convolutional
    Networks", section 3.2, https://arxiv.org/abs/1409.1556; the moves: Jordan 2024, "94% on
    CIFAR-10 in 3.29 Seconds on a Single GPU", section 3.5, https://arxiv.org/abs/2404.00498
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from seedbed.callback._test_time import AtTest


class TestFlip(AtTest):
    """Tests and predicts with the mean of the logits of an image and of its mirror image.

    It costs a second look, six with a shift, and helps a net that was trained on mirrored images,
    `augment.basic.flip=0.5`; one that was not gets worse.  Training, validation and what is
    exported are as without it.

    Args:
        shift: half of the weight goes to the image moved by so many pixels along the diagonal,
            either way; what comes in from outside is 0, as in `augment=basic`. 0: no such looks.

    Raises:
        ValueError: a negative shift.
    """

    __test__ = False  # no test, whatever its name says

    def __init__(self, shift: int = 0) -> None:
        if shift < 0:
            raise ValueError(f"shift must be at least 0, got {shift}")
        self.shift = shift
        self.hook: RemovableHandle | None = None

    def prepare(self, task: Any) -> None:
        """Look at the data; called before anything is run.

        Raises:
            ValueError: it has no images, or a shift would leave nothing of them.
        """
        shape = tuple(task.spec.shape)
        if len(shape) != 3:
            raise ValueError(f"it needs images, got inputs of shape {shape}")
        if self.shift >= min(shape[1:]):
            raise ValueError(
                f"shift={self.shift} leaves nothing of {shape[1]} by {shape[2]} pixels"
            )

    def start(self, task: Any) -> None:
        """Let the net look more than once."""
        self.hook = task.model.register_forward_hook(self.again)

    def end(self) -> None:
        """Let it look once."""
        if self.hook is not None:
            self.hook.remove()
            self.hook = None

    def again(self, net: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        """Return the mean of `(B, K)` outputs and those of other looks at `(B, C, H, W)`."""
        [x] = inputs
        here = (output + net.forward(x.flip(-1))) / 2
        if not self.shift:
            return here
        up, down = (both_sides(net, moved(x, by)) for by in (-self.shift, self.shift))
        return here / 2 + (up + down) / 4


def moved(x: Tensor, by: int) -> Tensor:
    """Return `(B, C, H, W)` moved down and to the right by so many pixels, 0 outside."""
    return F.pad(x, (by, -by, by, -by))


def both_sides(net: nn.Module, x: Tensor) -> Tensor:
    """Return the mean of what a net says of images and of their mirror images."""
    return (net.forward(x) + net.forward(x.flip(-1))) / 2
