"""Weighted means of many scalars, kept on the device and exact over processes of unequal shares.

Scalars of one step are taken in together: an operation on one of them costs as much as on all.
"""

from collections.abc import Iterable

import torch
from lightning import Trainer
from torch import Tensor

Names = tuple[str, ...]


class Meter:
    """Adds up values and weights by name; nothing leaves the device until `means`."""

    def __init__(self) -> None:
        self.waiting: dict[str, tuple[Tensor, float | Tensor]] = {}  # of this step, () each
        self.sums: dict[Names, Tensor] = {}  # (2, names) each: Σ weight · value, Σ weight
        self.latest: dict[Names, Tensor] = {}  # the same of the newest values alone
        self._counts: tuple[tuple[float, ...], Tensor] | None = None  # on the device already

    def add(self, values: dict[str, Tensor], weight: float | Tensor = 1) -> None:
        """Add one `()` value a name, each counted `weight` times."""
        if not self.waiting.keys().isdisjoint(values):
            self.take_in()
        for name, value in values.items():
            self.waiting[name] = value.detach(), weight

    def take_in(self) -> None:
        """Add up what a step has added: it is over."""
        if not self.waiting:
            return
        names = tuple(self.waiting)
        values = torch.stack([precise(value) for value, _ in self.waiting.values()])
        counts = self._weights([weight for _, weight in self.waiting.values()], values)
        self.waiting = {}
        pairs = torch.stack([values * counts, counts])
        self.sums[names] = self.sums[names] + pairs if names in self.sums else pairs
        self.latest.pop(names, None)  # the newest last
        self.latest[names] = pairs

    def _weights(self, weights: list[float | Tensor], like: Tensor) -> Tensor:
        """Return `(names,)` weights; plain numbers go to the device only where they change."""
        if any(isinstance(each, Tensor) for each in weights):
            zero = torch.zeros_like(like[0])
            return torch.stack([zero + each for each in weights])
        numbers = tuple(float(each) for each in weights)
        known = self._counts
        if known is None or known[0] != numbers or known[1].device != like.device:
            self._counts = known = (numbers, torch.tensor(numbers, dtype=like.dtype).to(like))
        return known[1]

    def means(self, trainer: Trainer) -> dict[str, float]:
        """Return the mean of each name over all processes, and start anew."""
        self.take_in()
        sums, self.sums = by_name(self.sums.items()), {}
        return over_processes(sums, trainer)

    def newest(self, trainer: Trainer) -> dict[str, float]:
        """Return the mean of the newest value of each name over all processes."""
        self.take_in()
        latest: dict[str, Tensor] = {}
        for names, pairs in self.latest.items():
            latest |= dict(zip(names, pairs.unbind(1), strict=True))
        return over_processes(latest, trainer)

    def so_far(self) -> dict[str, dict[str, Tensor]]:
        """Return what has been added up, on the CPU."""
        self.take_in()
        kept = {"sums": self.sums, "latest": self.latest}
        return {k: {"\n".join(names): v.cpu() for names, v in of.items()} for k, of in kept.items()}

    def take_up(self, state: dict[str, dict[str, Tensor]], device: torch.device) -> None:
        """Go on from what had been added up."""
        self.waiting = {}
        self.sums, self.latest = (
            {tuple(k.split("\n")): v.to(device).view(2, -1) for k, v in state[part].items()}
            for part in ("sums", "latest")
        )


def by_name(sums: Iterable[tuple[Names, Tensor]]) -> dict[str, Tensor]:
    """Return the `(2,)` sums of each name, over all steps whatever else was known of them."""
    found: dict[str, Tensor] = {}
    for names, pairs in sums:
        for name, pair in zip(names, pairs.unbind(1), strict=True):
            found[name] = found[name] + pair if name in found else pair
    return found


def over_processes(pairs: dict[str, Tensor], trainer: Trainer) -> dict[str, float]:
    """Return Σ weight · value / Σ weight of each name; every process must ask for the same ones."""
    names = sorted(pairs)
    if not names:
        return {}
    sums = trainer.strategy.reduce(torch.stack([pairs[n] for n in names]), reduce_op="sum")
    assert isinstance(sums, Tensor)
    return dict(zip(names, (sums[:, 0] / sums[:, 1]).tolist(), strict=True))


def precise(value: Tensor) -> Tensor:
    """Return a tensor in double precision, or the most that its device has."""
    if value.dtype == torch.float64:
        return value
    return value.to(torch.float32 if value.device.type == "mps" else torch.float64)
