"""A workbench for tests of compression steps: data in memory, and training that is a few lines."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from seedbed.compress._workbench import StepLoss, Workbench
from seedbed.types import Batch, Spec, Step
from seedbed.weight import mixing_modules


class Tuned(NamedTuple):
    """One call of `tune`."""

    model: nn.Module
    loss: StepLoss | None
    epochs: int
    rate: float
    zeros: int  # among the weights of linear and convolutional layers, before it trained


class Tune:
    """Trains by Adam, keeping zeros, and remembers how it was called.

    Args:
        examples: all of them are a batch of 64 once an epoch, in their order.
        loss: outputs and targets to the mean loss, where a step brings none of its own.
        lr: of Adam; 0 trains nothing.
    """

    def __init__(
        self, examples: Batch, loss: Callable[[Tensor, Tensor], Tensor], lr: float
    ) -> None:
        self.examples, self.loss, self.lr = examples, loss, lr
        self.calls: list[Tuned] = []

    def __call__(
        self, model: nn.Module, loss: StepLoss | None, epochs: int, rate: float = 1.0
    ) -> None:
        self.calls.append(Tuned(model, loss, epochs, rate, zeros(model)))
        model.train()
        masks = [(weight, weight != 0) for weight in weights_of(model)]
        optimizer = torch.optim.Adam(model.parameters(), max(self.lr * rate, 1e-30))
        for _ in range(epochs if self.lr else 0):
            for x, y in zip(*(each.split(64) for each in self.examples[:2]), strict=True):
                optimizer.zero_grad()
                logits = model(x)
                mean = self.loss(logits, y)
                (mean if loss is None else loss(Step(model, Batch(x, y), logits, mean))).backward()
                optimizer.step()
                with torch.no_grad():
                    for weight, mask in masks:
                        weight.mul_(mask)
        model.eval()


def weights_of(model: nn.Module) -> list[nn.Parameter]:
    """Return the weights of linear and convolutional layers."""
    return [module.get_parameter("weight") for module in mixing_modules(model)]


def zeros(model: nn.Module) -> int:
    """Return how many of them are 0."""
    return sum(int((weight == 0).sum()) for weight in weights_of(model))


def numbers(model: nn.Module) -> int:
    """Return how many of them there are."""
    return sum(weight.numel() for weight in weights_of(model))


def workbench(
    x: Tensor, y: Tensor, *, told: list[str] | None = None, lr: float = 0.0, **given: Any
) -> Workbench:
    """Return a workbench with these examples.

    Args:
        x: inputs, `(N, ...)`.
        y: `(N,)` class indices, or `(N, K)` values.
        told: gets the lines that the user would see; None fails the test that shows one.
        lr: of its training, which is a `Tune`; 0 trains nothing.
        given: other fields.
    """
    of_classes = not y.is_floating_point()
    count = int(y.max()) + 1 if of_classes else y.shape[1]
    names = tuple(map(str, range(count))) if of_classes else ()
    spec = Spec(tuple(x.shape[1:]), "class" if of_classes else "value", count, names)
    loss = given.pop("loss", nn.CrossEntropyLoss() if of_classes else nn.MSELoss())
    examples = Batch(x, y)
    tell = refuse if told is None else told.append
    fields: dict[str, Any] = {"tune": Tune(examples, loss, lr), "teacher": nn.Identity()}
    fields |= {"spec": spec, "examples": examples, "loss": loss, "tell": tell, **given}
    return Workbench(**fields)


def refuse(line: str) -> None:
    raise AssertionError(f"nothing was to be told, got {line!r}")


def digits() -> Batch:
    """Return scikit-learn's digits, `(1797, 1, 8, 8)` in [0, 1] and their classes."""
    found: Any = load_digits()
    x = torch.tensor(found.images / 16, dtype=torch.float32)
    return Batch(x[:, None], torch.tensor(found.target))


def trained(model: nn.Module, epochs: int, lr: float = 0.01) -> nn.Module:
    """Return a copy of `model` that has learned the digits."""
    copy = deepcopy(model)
    bench = workbench(*digits()[:2], lr=lr)
    bench.tune(copy, None, epochs)
    return copy
