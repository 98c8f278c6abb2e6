"""Data that fits in memory: splits, fractions and batches are settled here once."""

from typing import Any

import torch
from torch import Tensor

from seedbed.data._split import split as share_out
from seedbed.data._splits import Splits
from seedbed.randomness import permutation
from seedbed.types import Batch, Split


class InMemory(Splits):
    """Splits, shuffles and batches what `read` returns.

    Args:
        per_class: training examples of each class to keep, >= 1; null keeps all.  Validation and
            test stay whole, and those of a smaller number are among those of a larger one.
        common: see `Splits`.

    Raises:
        ValueError: an argument outside its range.
    """

    splits: dict[Split, Batch]

    def __init__(self, *, per_class: int | None = None, **common: Any) -> None:
        super().__init__(**common)
        if per_class is not None and per_class < 1:
            raise ValueError(f"per_class must be at least 1, got {per_class}")
        self.per_class = per_class

    def read(self) -> tuple[Batch, Batch] | Batch:
        """Return the training examples and the test examples; or all, a fifth of which tests."""
        raise NotImplementedError

    def shared(self) -> tuple[Batch, Batch]:
        """Return the training examples and the test examples."""
        found = self.read()
        return divide(found, 0.2, self.seed) if isinstance(found, Batch) else found

    def examples(self) -> dict[Split, Batch]:
        """Return the training, validation and test examples."""
        train, test = self.shared()
        rest, held = self.held_out(train.y, names=self.class_names())
        fit, val = train.at(rest), train.at(held)
        if self.fraction < 1:
            _, fit = divide(fit, self.fraction, self.seed, names=self.class_names())
        return {"train": self.reduced(fit), "val": val, "test": test}

    def reduced(self, examples: Batch) -> Batch:
        """Return `per_class` examples of each class, or all."""
        if self.per_class is None:
            return examples
        if self.targets != "class":
            raise ValueError(f"per_class={self.per_class}: the targets are real numbers")
        names = self.class_names()
        return examples.at(few(examples.y, self.per_class, self.seed, names=names))


def few(
    y: Tensor, count: int, seed: int, *, names: tuple[str, ...] = (), what: str = "per_class"
) -> Tensor:
    """Return indices of `count` random examples of each class, int64, in the order of the data.

    Args:
        y: classes `(N,)` int64; -1, an unknown one, is never chosen.
        count: of each class that there is; those of a smaller count are among those of a larger.
        seed: of the draw.
        names: of the classes, for the message.
        what: argument that asks for them, for the message.

    Raises:
        ValueError: a class has fewer.
    """
    found = []
    for label in y[y >= 0].unique().tolist():
        places = (y == label).nonzero().flatten()
        if len(places) < count:
            which = names[label] if names else label
            raise ValueError(f"{what}={count}: class {which} has {len(places)} training examples")
        found.append(places[permutation(len(places), seed, label)[:count]])
    return torch.cat(found).sort().values


def divide(
    examples: Batch,
    share: float,
    seed: int,
    *,
    groups: Tensor | None = None,
    names: tuple[str, ...] = (),
) -> tuple[Batch, Batch]:
    """Return the rest and a random `share` of the examples, stratified by class.

    Raises:
        ValueError: one of the two would be empty, or a class is too small to be in both.
    """
    rest, part = share_out(examples.y, share, seed, groups=groups, names=names)
    return examples.at(rest), examples.at(part)
