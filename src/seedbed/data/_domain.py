"""A domain by its name: a data set, and perhaps a change of its images."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seedbed.data._changes import CHANGES, changed
from seedbed.data._pictures import Pictures
from seedbed.data.digits import Digits
from seedbed.data.fashion_mnist import FashionMNIST
from seedbed.data.mnist5k import MNIST5k
from seedbed.nearest import nearest
from seedbed.randomness import permutation
from seedbed.types import Batch

SETS = {"digits": Digits, "mnist5k": MNIST5k, "fashion_mnist": FashionMNIST}
FORM = re.compile(r"(?P<set>\w+)(?::(?P<change>[a-z]+)=?(?P<strength>-?\d+))?")


@dataclass(frozen=True, slots=True)
class Domain:
    """Images of a set, all changed in the same way; `change` is empty if they are as they come."""

    set: str
    change: str = ""
    strength: int = 0  # severity from 1 to 5, or degrees

    def __str__(self) -> str:
        return f"{self.set}:{self.change}{self.strength}" if self.change else self.set

    def read(self, data: Pictures, channels: int, seed: int) -> tuple[Batch, Batch]:
        """Return training and test images of `data`, `(N, channels, S, S)` in [0, 1]."""
        train, test = data.read()
        return self._made(train, data, channels, seed, 0), self._made(
            test, data, channels, seed, len(train.y)
        )

    def _made(self, found: Batch, data: Pictures, channels: int, seed: int, first: int) -> Batch:
        x = (found.x / data.top).repeat(1, channels, 1, 1)
        return found._replace(
            x=changed(x, self.change, self.strength, seed, first) if self.change else x
        )


def domain(text: str, key: str = "domain") -> Domain:
    """Return the domain that a name means: `digits`, `digits:rotate30`, `mnist5k:blend5`.

    Args:
        text: the name.
        key: where it stands, for messages.

    Raises:
        ValueError: there is no such set or change, or its strength is outside its range.
    """
    found = FORM.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{key}={text}: <set> or <set>:<change><strength> is expected, "
            "as in digits:rotate30 or mnist5k:noise3"
        )
    name, change, strength = found["set"], found["change"], int(found["strength"] or 0)
    if name not in SETS:
        raise ValueError(f"{key}={text}: there is no set {name!r}; {nearest(name, SETS)}")
    if change is None:
        return Domain(name)
    if change not in CHANGES:
        raise ValueError(f"{key}={text}: there is no change {change!r}; {nearest(change, CHANGES)}")
    if change != "rotate" and not 1 <= strength <= 5:
        raise ValueError(f"{key}={text}: the severity of {change} goes from 1 to 5, got {strength}")
    return Domain(name, change, strength)


def domains(sources: Sequence[str], target: str) -> list[Domain]:
    """Return the domains of these names, the target last.

    Raises:
        ValueError: a name means none, one is there twice, or there is no source.
    """
    if not sources:
        raise ValueError("sources: at least one domain is expected")
    found = [domain(text, "sources") for text in sources]
    for place, each in enumerate(found):
        if each in found[:place]:
            raise ValueError(f"sources: {each} is there twice")
    aim = domain(target, "target")
    if aim in found:
        raise ValueError(f"target={aim} is a source, too")
    return [*found, aim]


def check_classes(names: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse sets of different classes.

    Raises:
        ValueError: the names of the classes differ.
    """
    (first, classes), *others = names.items()
    for name, own in others:
        if own != classes:
            raise ValueError(
                f"domains need the same classes: {first} has {', '.join(classes[:4])}, ... "
                f"and {name} has {', '.join(own[:4])}, ..."
            )


def parted(examples: Batch, share: float, fraction: float, seed: int) -> tuple[Batch, Batch]:
    """Return training and validation examples, drawn without a look at the targets.

    So hidden targets cannot tell anything by what is drawn, and domains of one set are divided
    alike: no image trains in one of them and validates in another.

    Args:
        examples: N of them.
        share: of the validation examples, in (0, 1).
        fraction: of the training examples to keep, in (0, 1].
        seed: of the draw.
    """
    order = permutation(len(examples.y), seed)
    held = max(1, round(share * len(order)))
    kept = max(1, round(fraction * (len(order) - held)))
    return examples.at(order[held : held + kept]), examples.at(order[:held])


def cycled(n: int, count: int, *place: int) -> Tensor:
    """Return `count` of n indices, int64: each as often as every other or once more, at random."""
    return permutation(n, *place).repeat(-(-count // n))[:count]


def joined(parts: Sequence[Batch]) -> Batch:
    """Return all examples in one split."""
    domain = torch.cat([part.domain for part in parts if part.domain is not None])
    return Batch(
        torch.cat([part.x for part in parts]), torch.cat([part.y for part in parts]), domain
    )


def of(place: int | None, examples: Batch) -> Batch:
    """Return examples that know their domain's place; None if it has none."""
    domain = None if place is None else torch.full((len(examples.y),), place)
    return examples._replace(domain=domain)
