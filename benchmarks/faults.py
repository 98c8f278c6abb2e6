"""What goes wrong in trainings, as parts that a config can name: `data._target_=faults.Digits`.

Each is the ordinary part with one fault in it, or with none, so that a run and its control differ
in nothing else.  `benchmarks/doctor.py` uses them through the command line.
"""

from functools import cache
from typing import Any, Literal

import torch
from spoil import SPOIL, Found
from torch import Tensor, nn

from seedbed.data import digits, fashion_mnist, synthetic
from seedbed.loss.cross_entropy import CrossEntropy
from seedbed.model.mlp import MLP
from seedbed.types import Batch, Spec

Fault = Literal[
    "none",
    "holes",
    "times",
    "shuffled",
    "noisy",
    "off_by_one",
    "sorted",
    "duplicates",
    "inverted",
    "imbalance",
    "constant",
    "far",
]


class Spoilt:
    """Data in memory with one fault.

    Args:
        fault: `holes` (pixels that are NaN), `times` (inputs by `strength`), `shuffled` (labels),
            `noisy` (that share of training and validation labels drawn anew), `off_by_one`
            (validation labels), `sorted` (by class, never shuffled), `duplicates` (that share of
            the validation split is taken from training), `inverted` (validation inputs),
            `imbalance` (that share of the training examples is of class 0), `constant` (that share
            of the features), `far` (real targets by `strength`, and moved by as much).
        strength: of it, in its own unit.
        common: of the data.
    """

    splits: Found
    seed: int

    def __init__(self, fault: Fault = "none", strength: float = 0.5, **common: Any) -> None:
        super().__init__(**common)
        self.fault, self.strength = fault, strength

    def examples(self) -> Found:
        """Return the splits, spoilt."""
        found: Found = super().examples()  # pyright: ignore[reportAttributeAccessIssue]
        if self.fault == "none":
            return found
        return SPOIL[self.fault](found, self.strength, torch.Generator().manual_seed(self.seed))

    def train_dataloader(self) -> Any:
        """Return batches in the order of the data where that is the fault."""
        ours: Any = self
        return ours.batches("train", shuffle=self.fault != "sorted")


class Digits(Spoilt, digits.Digits):
    """The digits."""


class Synthetic(Spoilt, synthetic.Synthetic):
    """Points made on the spot."""


class Fashion(Spoilt, fashion_mnist.FashionMNIST):
    """The first 6,000 training and 2,000 test images at 14 by 14 pixels, read once a process."""

    def images(self) -> tuple[Batch, Batch]:
        """Return training and test images, `(N, 1, 14, 14)`."""
        return garments(str(self.root))


@cache
def garments(root: str) -> tuple[Batch, Batch]:
    """Return the first images of both files, means of four pixels."""
    data = fashion_mnist.FashionMNIST(root)
    train, test = data.images()
    return smaller(train, 6000), smaller(test, 2000)


def smaller(b: Batch, count: int) -> Batch:
    """Return the first examples, a copy, at half the size."""
    return Batch(nn.functional.avg_pool2d(b.x[:count], 2), b.y[:count].clone())


class Twice(MLP):
    """Applies softmax, which the loss applies too."""

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, *shape)` to probabilities, `(B, K)`."""
        return super().forward(x).softmax(1)


class Wrong(CrossEntropy):
    """Cross-entropy times a number, which may be negative.

    Args:
        factor: on the loss.
        common: of cross-entropy.
    """

    def __init__(self, factor: float = -1.0, **common: Any) -> None:
        super().__init__(**common)
        self.factor = factor

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the wrong loss, `()`."""
        return self.factor * super().forward(logits, y)


class Bias:
    """Gives all hidden layers one bias.

    Args:
        value: of it.
    """

    order = 1

    def __init__(self, value: float = -10.0) -> None:
        self.value = value

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the biases of `model` in place."""
        for layer in layers(model)[:-1]:
            nn.init.constant_(layer.bias, self.value)


class Alike:
    """Gives all units of a layer the same weights."""

    order = 1

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        for layer in layers(model):
            layer.weight.data.copy_(layer.weight.data[:1].expand_as(layer.weight))
            nn.init.zeros_(layer.bias)


class Head:
    """Multiplies the weights of the last layer.

    Args:
        factor: on them.
    """

    order = 1

    def __init__(self, factor: float = 100.0) -> None:
        self.factor = factor

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place."""
        layers(model)[-1].weight.data.mul_(self.factor)


class Freeze:
    """Lets nothing learn but the last layer, or nothing but the others.

    Args:
        what: `body` or `head` is frozen.
    """

    order = 2

    def __init__(self, what: Literal["body", "head"] = "body") -> None:
        self.what = what

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Freeze weights in place."""
        frozen = layers(model)[:-1] if self.what == "body" else layers(model)[-1:]
        for layer in frozen:
            layer.requires_grad_(False)


def layers(model: nn.Module) -> list[Any]:
    """Return the layers that have weights, input side first."""
    return [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
