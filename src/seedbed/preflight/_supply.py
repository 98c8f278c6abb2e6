"""Where the examples of all measurements come from."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import torch
from torch import Tensor

from seedbed.data._loader import Decoder, Loader
from seedbed.preflight._double import single
from seedbed.randomness import permutation
from seedbed.types import Batch, Data

DECODED = 8  # times fewer examples are looked at where each must be read from a file


class Supply:
    """Examples of the splits, and training batches as training will get them.

    Args:
        data: after `setup`.
        device: where batches are to lie.
    """

    def __init__(self, data: Data, device: torch.device) -> None:
        self.data, self.device = data, device
        self.spec = data.spec

    def size(self, split: str) -> int:
        """Return how many examples a split has."""
        return len(self.data.splits[split].y)

    def targets(self, split: str) -> Tensor:
        """Return all targets of a split, on the CPU."""
        return self.data.splits[split].y.cpu()

    def places(self, split: str, most: int) -> Tensor:
        """Return which examples of a split are looked at, int64: at random, the same every time."""
        held = isinstance(self.data.splits[split].x, Tensor)
        most = most if held else max(1, most // DECODED)
        return permutation(self.size(split), 0)[:most].sort().values

    def at(self, split: str, index: Tensor) -> Batch:
        """Return examples of a split, on the CPU."""
        part: Any = self.data.splits[split]
        domain = getattr(part, "domain", None)
        here = None if domain is None else domain.cpu()[index]
        x = part.x[index.to(part.x.device)] if isinstance(part.x, Tensor) else part.x[index]
        return Batch(x.cpu(), self.targets(split)[index], here)

    def rows(self, split: str, most: int) -> Batch:
        """Return some examples of a split, on the CPU."""
        return self.at(split, self.places(split, most))

    def new_classes(self) -> bool:
        """Return whether some classes are kept from training on purpose."""
        data: Any = self.data
        held = getattr(data, "val_unseen", ()) or getattr(data, "held", {}).get("val_unseen")
        return bool(self.spec.unseen or self.spec.episode or held)

    def loader(self, split: str = "train") -> Any:
        """Return what training iterates over."""
        data: Any = self.data
        return data.train_dataloader() if split == "train" else data.val_dataloader()

    def feed(self) -> Iterator[Batch]:
        """Yield training batches, epoch after epoch, for ever."""
        loader = self.loader()
        begin = getattr(getattr(loader, "sampler", None), "set_epoch", None)
        for epoch in count():
            if begin is not None:
                begin(epoch)
            empty = True
            for batch in loader:
                empty = False
                yield single(batch.to(self.device))
            if empty:
                raise ValueError("the training split has no batches")

    def probes(self, split: str, pieces: int, each: int) -> list[Batch]:
        """Return up to `pieces` batches of a split to measure on, of up to `each` examples."""
        if self.spec.episode:
            loader = self.loader(split)
            first = loader[0] if isinstance(loader, list) else loader
            found = [batch for batch, _ in zip(first, range(pieces), strict=False)]
        else:
            rows = self.rows(split, pieces * each)
            pieces = min(pieces, len(rows.y))
            found = [rows.at(slice(k, None, pieces)) for k in range(pieces)]  # of all domains each
        return [single(batch.to(self.device)) for batch in found]

    def orders(self) -> Iterator[Tensor]:
        """Yield the targets of the training batches of an epoch, without reading inputs."""
        loader, y = self.loader(), self.targets("train")
        if isinstance(loader, Loader | Decoder):
            yield from (y[index] for index in loader.sampler)
        else:
            yield from (batch.y.cpu() for batch in loader)
