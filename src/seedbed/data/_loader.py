"""Batches of a split: tensors in memory are indexed; files are decoded by worker processes."""

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from seedbed.atomic import Unwritable
from seedbed.data._image import Images, Unreadable, floats
from seedbed.randomness import permutation
from seedbed.types import Batch, Examples, Inputs

TIMEOUT = 600.0  # seconds
AHEAD = 2  # batches that are read before they are asked for


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
        self.left = (-1, 0)  # an epoch that goes on, and the batches of it that are done

    def go_on(self, epoch: int, batches: int) -> None:
        """Leave out the first `batches` of this epoch, which were trained on before."""
        self.left = (epoch, batches)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls this before every one of them."""
        self.epoch = epoch

    def __len__(self) -> int:
        whole = self.batch_size * self.world
        count = -(-self.n // whole)
        return count - (count > 1 and self.n - (count - 1) * whole < self.world)

    def counts(self, batch: int) -> tuple[int, int]:
        """Return how many examples this rank and all together have in a batch, from 0."""
        whole = self.batch_size * self.world
        size = self.n - batch * whole if batch == len(self) - 1 else whole
        return -(-(size - self.rank) // self.world), size

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the `(B,)` indices of each batch."""
        order = (
            torch.arange(self.n)
            if self.seed is None
            else permutation(self.n, self.seed, self.epoch)
        )
        done = self.left[1] if self.left[0] == self.epoch else 0
        self.left = (-1, 0)
        whole, count = self.batch_size * self.world, len(self)
        for batch in range(done, count):
            end = self.n if batch == count - 1 else (batch + 1) * whole
            yield order[batch * whole + self.rank : end : self.world]


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
            yield self.split.at(here)


class WorkerLost(RuntimeError):
    """A worker process has died or does not answer."""

    says_it_all = True  # no traceback would add to it


class Pairs(Dataset[Batch]):
    """Files and their targets, for a worker process that decodes a batch at a time.

    Args:
        x: N inputs that are read when they are asked for.
        y: `(N,)` or `(N, K)` targets.
    """

    def __init__(self, x: Inputs, y: Tensor) -> None:
        self.x, self.y = x, y
        self.read: Callable[[Tensor], Tensor] = x.bytes if isinstance(x, Images) else x.__getitem__
        self.whole: Callable[[Tensor], Tensor] = floats if isinstance(x, Images) else as_it_is

    def __getitems__(self, index: Sequence[int] | Tensor) -> Batch | Unreadable | Unwritable:
        """Return a batch, or what is wrong with it: raised there, it would lose its words.

        Images are bytes, a quarter of what would have to pass from process to process.
        """
        chosen = torch.as_tensor(index)
        try:
            return Batch(self.read(chosen), self.y[chosen])
        except (Unreadable, Unwritable) as error:
            return error


class Decoder:
    """Iterates over the batches of a split of files, decoded ahead by worker processes.

    Workers live as long as the loader.  A batch is a pure function of its indices, so neither
    their number nor their speed changes what is learned.  Where all images are kept decoded, a
    thread reads them: passing them from process to process would take longer.

    Args:
        x: N inputs that are read when they are asked for.
        y: `(N,)` or `(N, K)` targets.
        order: which of them form which batch.
        workers: processes beside this one; at most as many as there are cores are used.
        device: where batches are put.
        timeout: seconds to wait for a batch, > 0.
    """

    def __init__(
        self,
        x: Inputs,
        y: Tensor,
        order: Order,
        *,
        workers: int,
        device: torch.device,
        timeout: float = TIMEOUT,
    ) -> None:
        self.pairs, self.device = Pairs(x, y), device
        self.sampler = order  # the name under which Lightning looks for `set_epoch`
        self.batch_sampler = None  # it asks for this one, too
        workers = min(workers, cores())
        self._inner: DataLoader[Any] = DataLoader(
            self.pairs,
            batch_sampler=order,  # pyright: ignore[reportArgumentType] -- lists would be copies
            num_workers=workers,
            collate_fn=as_it_is,
            pin_memory=device.type == "cuda",
            persistent_workers=workers > 0,
            timeout=timeout if workers else 0,
            worker_init_fn=serve,
            generator=torch.Generator(),  # the run's own randomness stays untouched
        )

    @property
    def _iterator(self) -> Any:
        """The workers at work, by the name under which Lightning looks for them to end them.

        Left to the search for garbage, torch ends them too late: it asks them over queues that are
        closed by then, waits ten seconds, and leaves them behind.
        """
        return self._inner._iterator

    @_iterator.setter
    def _iterator(self, none: None) -> None:
        self._inner._iterator = none

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches; a generator, so that the epoch is read at the first `next`.

        Raises:
            Unreadable: a file cannot be decoded.
            Unwritable: the disk has no room for a cache.
            WorkerLost: a worker process died, or did not answer.
        """
        try:
            x = self.pairs.x
            kept = isinstance(x, Images) and x.kept_all()
            for batch in self._ahead() if kept else self._inner:
                if isinstance(batch, Exception):
                    self._end()
                    raise batch
                x = batch.x.to(self.device, non_blocking=True)
                y = batch.y.to(self.device, non_blocking=True)
                yield Batch(self.pairs.whole(x), y)
        except RuntimeError as error:
            workers = getattr(self._inner._iterator, "_workers", [])
            raise of_worker(error, [worker.exitcode for worker in workers]) from error

    def _end(self) -> None:
        """Let the workers go: nobody asks for another batch."""
        if self._iterator is not None:
            self._iterator._shutdown_workers()
            self._iterator = None

    def _ahead(self) -> Iterator[Any]:
        """Yield batches that a thread makes while the one before is used."""
        waiting: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(1) as thread:
            for index in self.sampler:
                waiting.append(thread.submit(self._made, index))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _made(self, index: Tensor) -> Any:
        batch = self.pairs.__getitems__(index)
        if self.device.type != "cuda" or isinstance(batch, Exception):
            return batch
        return Batch(batch.x.pin_memory(), batch.y.pin_memory())


def serve(worker: int) -> None:
    """Prepare a worker process: it ends when its parent does, and not before.

    Signals to a whole group of processes ask the parent to end, which still needs batches until
    then.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def of_worker(error: RuntimeError, codes: Sequence[int | None]) -> RuntimeError:
    """Return what an error of torch's loader means, or the error if it is not about a worker.

    Args:
        error: what the loader raised.
        codes: the exit codes of the workers, None of those that live.
    """
    said = str(error)
    if "timed out after" in said:
        return WorkerLost("a data worker did not answer in time (timeout); is the disk slow?")
    if "DataLoader worker" in said and "Caught" not in said:
        killed = [signal.Signals(-code).name for code in codes if code and code < 0]
        how = f"was killed by {killed[0]}" if killed else "exited"
        return WorkerLost(f"a data worker {how}; where memory is short, use less data.num_workers")
    return error


Batches = Loader | Decoder


def loader(
    split: Examples, order: Order, device: torch.device, timeout: float = TIMEOUT
) -> Batches:
    """Return the batches of a split, in the way that suits where its inputs are."""
    if isinstance(split.x, Tensor):
        assert isinstance(split, Batch)
        return Loader(split, order)
    workers = getattr(split.x, "workers", 0)
    return Decoder(split.x, split.y, order, workers=workers, device=device, timeout=timeout)


def as_it_is(batch: Any) -> Any:
    """Return what a worker has made; it is a batch already."""
    return batch


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
