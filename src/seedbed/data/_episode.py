"""Episodes: small tasks drawn from a pool of images, and their batches.

Letters in shape comments: E episodes of a batch, N ways, K shots, Q queries, M = K + Q.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seedbed.data._loader import Order
from seedbed.randomness import mix
from seedbed.types import Batch

FIXED = (1 << 62) - 1  # in place of seed and epoch, of episodes that never change


@dataclass(frozen=True, slots=True)
class Pool:
    """A split's images, from which episodes are drawn.

    Args:
        examples: all images of its classes, and which class each is of.
        ways: N, classes of an episode.
        size: M = K + Q, images of each class in an episode.
        number: which split it is, so that two never draw alike.
    """

    examples: Batch
    ways: int
    size: int
    number: int

    def members(self) -> list[Tensor]:
        """Return the places of the images of each class, `(n,)` int64 on the CPU."""
        y = self.examples.y.cpu()
        return [(y == label).nonzero().flatten() for label in y.unique().tolist()]


def drawn(members: Sequence[Tensor], ways: int, size: int, *place: int) -> Tensor:
    """Return which images make up an episode, `(N, M)` int64: a pure function of `place`.

    Args:
        members: places of the images of each class.
        ways: N, classes to draw, in a random order.
        size: M, images to draw of each, without repetition.
        place: where it stands: seed, split, epoch and index.
    """
    generator = torch.Generator().manual_seed(mix(*place))
    classes = torch.randperm(len(members), generator=generator)[:ways].tolist()
    rows = []
    for each in classes:
        order = torch.randperm(len(members[each]), generator=generator)
        rows.append(members[each][order[:size]])
    return torch.stack(rows)


class Rounds:
    """Iterates over batches of episodes; what Lightning takes in place of a DataLoader.

    An episode depends on seed, epoch and its own index alone, whatever the batch it is in and the
    process that draws it.

    Args:
        pool: what to draw from, on the device that trains.
        order: which episodes form which batch.
        seed: of training episodes, which are new in every epoch; None draws fixed ones.
    """

    def __init__(self, pool: Pool, order: Order, seed: int | None) -> None:
        self.pool, self.seed = pool, seed
        self.members = pool.members()
        self.sampler = order  # the name under which Lightning looks for `set_epoch`
        self.batch_sampler = None  # it asks for this one, too

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches; a generator, so that the epoch is read at the first `next`."""
        for index in self.sampler:
            yield self.at(index.tolist(), self.sampler.epoch)

    def at(self, index: Sequence[int], epoch: int) -> Batch:
        """Return episodes: images `(E, N, M, ...)` and their labels in the episode `(E, N, M)`."""
        pool = self.pool
        when = (FIXED, pool.number) if self.seed is None else (self.seed, pool.number, epoch)
        chosen = torch.stack([drawn(self.members, pool.ways, pool.size, *when, i) for i in index])
        x = pool.examples.x[chosen.to(pool.examples.x.device, non_blocking=True)]
        labels = torch.arange(pool.ways, device=x.device)[:, None]
        return Batch(x, labels.expand(chosen.shape))


def places(
    key: str, asked: Sequence[int | str], names: Sequence[str], taken: Mapping[int, str]
) -> list[int]:
    """Return the indices of classes that are named, or numbered from 0.

    Args:
        key: argument that names them.
        asked: names or numbers.
        names: of all classes.
        taken: classes that already have a place, and the key that gave it.

    Raises:
        ValueError: there is no such class, or it is asked for twice.
    """
    found: list[int] = []
    for each in asked:
        label = names.index(each) if isinstance(each, str) and each in names else each
        if isinstance(label, str) or not 0 <= label < len(names):
            known = f"{', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"
            raise ValueError(f"{key}: there is no class {each!r}; there are {known}")
        if label in found:
            raise ValueError(f"{key}: class {names[label]} stands there twice")
        if label in taken:
            raise ValueError(f"{key} and {taken[label]} share class {names[label]}")
        found.append(label)
    return found


def check_pool(pool: Pool, split: str, key: str, names: Sequence[str]) -> None:
    """Refuse a pool from which no episode can be drawn.

    Args:
        pool: what to draw from.
        split: its name, for the message.
        key: argument that says how many ways.
        names: of all classes.

    Raises:
        ValueError: it has fewer classes than ways, or a class has too few images.
    """
    counts = pool.examples.y.bincount(minlength=len(names)).tolist()
    there = [names[label] for label, n in enumerate(counts) if n]
    if len(there) < pool.ways:
        few = f"{len(there)} class{'' if len(there) == 1 else 'es'}"
        listed = f" ({', '.join(there)})" if there else ""
        raise ValueError(f"{key}={pool.ways}: the {split} split has {few}{listed}")
    for name, n in zip(names, counts, strict=True):
        if 0 < n < pool.size:
            raise ValueError(
                f"class {name} has {n} images in the {split} split; shots + queries = {pool.size} "
                "are needed"
            )
