"""Batches of a split that lies in memory, made by indexing: no workers, no per-sample Python."""

from collections.abc import Iterator

import torch
from torch import Tensor

from seedbed.randomness import permutation
from seedbed.types import Batch


class Order:
    """Which examples form which batch, on every rank: a pure function of seed and epoch.

    All ranks cut the same order into global batches of `batch_size` times `world` and take
    interleaved examples of each, so no example is lost or seen twice in an epoch.  A last global
    batch with fewer examples than ranks joins the one before it: every rank makes the same number
    of steps, and none of them is empty.

    Args:
        n: examples N in the split.
        batch_size: examples B per rank and batch.
        seed: of the shuffling; None keeps the order of the split.
        rank: which slice is ours, in [0, world).
        world: number of processes.

    Raises:
        ValueError: there are fewer examples than processes.
    """

    def __init__(
        self, n: int, batch_size: int, *, seed: int | None, rank: int = 0, world: int = 1
    ) -> None:
        if n < world:
            raise ValueError(f"{n} examples cannot be shared by {world} processes")
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.rank, self.world = rank, world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls this before every one of them."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._starts())

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the `(B,)` indices of each batch."""
        order = (
            torch.arange(self.n)
            if self.seed is None
            else permutation(self.n, self.seed, self.epoch)
        )
        starts = self._starts()
        for start, end in zip(starts, [*starts[1:], self.n], strict=True):
            yield order[start:end][self.rank :: self.world]

    def _starts(self) -> list[int]:
        whole = self.batch_size * self.world
        starts = list(range(0, self.n, whole))
        if len(starts) > 1 and self.n - starts[-1] < self.world:
            starts.pop()
        return starts


class Loader:
    """Iterates over the batches of a split; what Lightning takes in place of a DataLoader.

    Args:
        split: all N examples, on the device that trains.
        order: which of them form which batch.
    """

    def __init__(self, split: Batch, order: Order) -> None:
        self.split = split
        self.sampler = order  # the name under which Lightning looks for `set_epoch`
        self.batch_sampler = None  # it asks for this one, too

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches; a generator, so that the epoch is read at the first `next`."""
        for index in self.sampler:
            here = index.to(self.split.x.device, non_blocking=True)
            yield Batch(self.split.x[here], self.split.y[here])
