"""Every test image seen twice, as it is and in a mirror.

Formula: z(x) = (f(x) + f(x[..., ::-1])) / 2, f what the net says of raw inputs
Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional
    Neural Networks", section 4.1, where reflections of patches are averaged at the test,
    https://papers.nips.cc/paper/4824; Simonyan & Zisserman 2015, "Very Deep Convolutional
    Networks", section 3.2, https://arxiv.org/abs/1409.1556
"""

from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from seedbed.callback._test_time import AtTest


class TestFlip(AtTest):
    """Tests and predicts with the mean of the logits of an image and of its mirror image.

    It costs a second look, and helps a net that was trained on mirrored images,
    `augment.basic.flip=0.5`; one that was not gets worse.  Training, validation and what is
    exported are as without it.
    """

    __test__ = False  # no test, whatever its name says

    def __init__(self) -> None:
        self.hook: RemovableHandle | None = None

    def prepare(self, task: Any) -> None:
        """Look at the data; called before anything is run.

        Raises:
            ValueError: it has no images.
        """
        if len(task.spec.shape) != 3:
            raise ValueError(f"it needs images, got inputs of shape {tuple(task.spec.shape)}")

    def start(self, task: Any) -> None:
        """Let the net look twice."""
        self.hook = task.model.register_forward_hook(twice)

    def end(self) -> None:
        """Let it look once."""
        if self.hook is not None:
            self.hook.remove()
            self.hook = None


def twice(net: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    """Return the mean of `(B, K)` outputs and those of the mirrored inputs, `(B, C, H, W)`."""
    return (output + net.forward(inputs[0].flip(-1))) / 2
