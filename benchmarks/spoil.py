"""What can be wrong with data: splits to splits."""

import math
from typing import Any

import torch

from seedbed.types import Batch

Found = dict[Any, Batch]


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
