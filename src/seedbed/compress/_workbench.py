"""What a step of compression works with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from seedbed.randomness import permutation
from seedbed.types import Batch, Examples, Spec, Step

StepLoss = Callable[[Step], Tensor]
"""`Step -> ()`: what a training step minimises in place of the task's own data term."""


class Tune(Protocol):
    """Trains a model as the run was trained."""

    def __call__(
        self, model: nn.Module, loss: StepLoss | None, epochs: int, rate: float = 1.0
    ) -> None:
        """Train `model` in place and leave it in eval mode.

        Weights of linear and convolutional layers that are exactly 0 stay 0.

        Args:
            model: raw inputs `(B, ...)` to outputs `(B, K)`.
            loss: what to minimise; None is the run's own loss.
            epochs: over the training split, >= 0; 0 does nothing.
            rate: factor on the run's learning rate, > 0.
        """
        ...


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the run lends to a step."""

    spec: Spec  # what the data knows
    examples: Examples  # the training split
    loss: Callable[[Tensor, Tensor], Tensor]  # outputs (B, K) and targets to the mean loss, ()
    tune: Tune
    teacher: nn.Module  # the model before the first step, in eval mode: raw inputs to outputs
    tell: Callable[[str], None]  # shows the user a line
    seed: int = 0  # of everything that a step draws

    def batches(self, model: nn.Module, count: int, size: int = 64) -> Iterator[Batch]:
        """Yield training examples where the model lives, drawn once without replacement.

        Args:
            model: tells the device.
            count: examples at most, >= 1; they are the same ones every time.
            size: examples a batch, >= 1.
        """
        chosen = permutation(len(self.examples.x), self.seed, 5)[:count]
        for index in chosen.split(size):
            here = index.to(self.examples.y.device)
            x, y = self.examples.x[here], self.examples.y[here]
            yield Batch(single(x).to(place(model)), single(y).to(place(model)))


def single(x: Tensor) -> Tensor:
    """Return real numbers in single precision, in which models are compressed; else as it is."""
    return x.float() if x.is_floating_point() else x


class Compression(Protocol):
    """A step from a model to a smaller one."""

    max_drop: float
    """Validation points (of accuracy in percent, or of 100 R²) that it may lose."""

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return a smaller model in eval mode; `net` may be changed on the way.

        Args:
            net: raw inputs `(B, *spec.shape)` to outputs `(B, K)`, in eval mode.  Every layer has
                plain weights (no parametrization is left), all of them trainable.
            bench: data, training and words for the user.

        Raises:
            ValueError: the step cannot be made with this model; the message names the argument.
        """
        ...


def place(model: nn.Module) -> torch.device:
    """Return where a model lives."""
    tensors = [*model.parameters(), *model.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")
