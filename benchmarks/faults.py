"""What goes wrong in trainings, as parts that a config can name: `data._target_=faults.Digits`.

Each is the ordinary part with one fault in it, or with none, so that a run and its control differ
in nothing else.  `benchmarks/doctor.py` uses them through the command line.
"""

import math
from functools import cache
from typing import Any, Literal

import torch
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
Found = dict[Any, Batch]


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


def each(found: Found, change: Any, *names: str) -> Found:
    """Return the splits with those of these names changed; all if none is named."""
    return {k: change(v) if not names or k in names else v for k, v in found.items()}


def holes(found: Found, share: float, g: torch.Generator) -> Found:
    """Make a share of the training pixels NaN."""

    def pierced(b: Batch) -> Batch:
        return b._replace(x=b.x.masked_fill(torch.rand(b.x.shape, generator=g) < share, math.nan))

    return each(found, pierced, "train")


def times(found: Found, factor: float, g: torch.Generator) -> Found:
    """Multiply all inputs."""
    return each(found, lambda b: b._replace(x=b.x * factor))


def shuffled(found: Found, share: float, g: torch.Generator) -> Found:
    """Give training inputs the labels of others."""
    return each(found, lambda b: b._replace(y=b.y[torch.randperm(len(b.y), generator=g)]), "train")


def noisy(found: Found, share: float, g: torch.Generator) -> Found:
    """Draw a share of the training and validation labels anew."""
    classes = int(found["train"].y.max()) + 1

    def drawn(b: Batch) -> Batch:
        others = torch.randint(0, classes, b.y.shape, generator=g)
        return b._replace(y=torch.where(torch.rand(b.y.shape, generator=g) < share, others, b.y))

    return each(found, drawn, "train", "val")


def off_by_one(found: Found, share: float, g: torch.Generator) -> Found:
    """Move every validation label to the next class."""
    classes = int(found["train"].y.max()) + 1
    return each(found, lambda b: b._replace(y=(b.y + 1) % classes), "val")


def in_order(found: Found, share: float, g: torch.Generator) -> Found:
    """Sort the training examples by class."""
    return each(found, lambda b: b.at(b.y.argsort(stable=True)), "train")


def duplicates(found: Found, share: float, g: torch.Generator) -> Found:
    """Take a share of the validation examples from the training split."""
    train, val = found["train"], found["val"]
    count = int(share * len(val.y))
    chosen = torch.randperm(len(train.y), generator=g)[:count]
    copied = train.at(chosen)
    rest = val.at(slice(len(chosen), None))
    both = Batch(torch.cat([copied.x, rest.x]), torch.cat([copied.y, rest.y]))
    return found | {"val": both}


def inverted(found: Found, share: float, g: torch.Generator) -> Found:
    """Invert the validation inputs."""
    top = found["train"].x.max()
    return each(found, lambda b: b._replace(x=top - b.x), "val")


def imbalance(found: Found, share: float, g: torch.Generator) -> Found:
    """Keep so few training examples of other classes that class 0 has that share."""
    y = found["train"].y
    first, others = (y == 0).nonzero().flatten(), (y != 0).nonzero().flatten()
    count = max(int(y.max()), round(len(first) * (1 - share) / share))
    kept = others[torch.randperm(len(others), generator=g)[:count]]
    return each(found, lambda b: b.at(torch.cat([first, kept]).sort().values), "train")


def constant(found: Found, share: float, g: torch.Generator) -> Found:
    """Give a share of the features one value in all splits."""
    stuck = torch.rand(found["train"].x.shape[1:], generator=g) < share
    return each(found, lambda b: b._replace(x=b.x.masked_fill(stuck, 1.0)))


def far(found: Found, factor: float, g: torch.Generator) -> Found:
    """Multiply real targets, and move them by as much."""
    return each(found, lambda b: b._replace(y=b.y * factor + factor))


SPOIL = {
    "holes": holes,
    "times": times,
    "shuffled": shuffled,
    "noisy": noisy,
    "off_by_one": off_by_one,
    "sorted": in_order,
    "duplicates": duplicates,
    "inverted": inverted,
    "imbalance": imbalance,
    "constant": constant,
    "far": far,
}


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
