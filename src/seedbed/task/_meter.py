"""Weighted means of many scalars, kept on the device and exact over processes of unequal shares.

Scalars of one step are taken in together: an operation on one of them costs as much as on all.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

import torch
from lightning import Trainer
from torch import Tensor

Names = tuple[str, ...]
Number = float | Tensor  # `()`
MANY = 100  # batch sizes that are remembered


class Waiting(NamedTuple):
    """A value of the step that is not yet over."""

    value: Number
    factor: Number  # what it is multiplied by to be a sum
    weight: Number  # what it counts


class Sums(NamedTuple):
    """Σ weight · value and Σ weight, `(names,)` each: numbers on the CPU, else on the device."""

    totals: list[float] | Tensor
    weights: list[float] | Tensor

    def plus(self, other: "Sums") -> "Sums":
        """Return both together."""
        return Sums(*map(added, self, other))

    def pairs(self) -> Tensor:
        """Return them as one, `(names, 2)`."""
        if isinstance(self.totals, Tensor) and isinstance(self.weights, Tensor):
            return torch.stack([self.totals, self.weights], 1)
        return torch.tensor([self.totals, self.weights], dtype=torch.float64).T


class Meter:
    """Adds up values and weights by name; nothing leaves the device until `means`."""

    def __init__(self) -> None:
        self.waiting: dict[str, Waiting] = {}  # of this step
        self.sums: dict[Names, Sums] = {}
        self.latest: dict[Names, Sums] = {}  # of the newest values alone
        self._known: dict[tuple[float, ...], Tensor] = {}  # on the device already

    def add(self, values: Mapping[str, Number], weight: Number = 1) -> None:
        """Add one value a name, each counted `weight` times."""
        self._expect({name: Waiting(bare(v), weight, weight) for name, v in values.items()})

    def add_sum(self, name: str, value: Number, weight: Number) -> None:
        """Add the sum of as many values as `weight` says."""
        self._expect({name: Waiting(bare(value), 1, weight)})

    def _expect(self, values: dict[str, Waiting]) -> None:
        if not self.waiting.keys().isdisjoint(values):
            self.take_in()
        self.waiting |= values

    def take_in(self) -> None:
        """Add up what a step has added: it is over."""
        if not self.waiting:
            return
        names, newest = tuple(self.waiting), self._sums(list(self.waiting.values()))
        self.waiting = {}
        before = self.sums.get(names)
        self.sums[names] = newest if before is None else before.plus(newest)
        self.latest.pop(names, None)  # the newest last
        self.latest[names] = newest

    def _sums(self, waiting: list[Waiting]) -> Sums:
        if all(not isinstance(value, Tensor) or value.is_cpu for value, _, _ in waiting):
            numbers = [(float(value), float(by), float(weight)) for value, by, weight in waiting]
            return Sums([value * by for value, by, _ in numbers], [each[2] for each in numbers])
        values = torch.stack([precise(cast(Tensor, each.value)) for each in waiting])
        totals = values * self._numbers([each.factor for each in waiting], values)
        return Sums(totals, self._numbers([each.weight for each in waiting], values))

    def _numbers(self, numbers: list[Number], like: Tensor) -> Tensor:
        """Return `(names,)` of them; those that are no tensors go to the device only once."""
        if any(isinstance(each, Tensor) for each in numbers):
            zero = torch.zeros_like(like[0])
            return torch.stack([zero + each for each in numbers])
        key = tuple(float(each) for each in numbers)
        found = self._known.get(key)
        if found is None or found.device != like.device:
            if len(self._known) > MANY:
                self._known.clear()
            found = self._known[key] = torch.tensor(key, dtype=like.dtype).to(like)
        return found

    def means(self, trainer: Trainer) -> dict[str, float]:
        """Return the mean of each name over all processes, and start anew."""
        self.take_in()
        sums, self.sums = by_name(self.sums.items()), {}
        return over_processes(sums, trainer)

    def newest(self, trainer: Trainer) -> dict[str, float]:
        """Return the mean of the newest value of each name over all processes."""
        self.take_in()
        if trainer.world_size == 1 and (own := quotients(self.latest)):
            return own
        latest: dict[str, Tensor] = {}
        for names, sums in self.latest.items():
            latest |= dict(zip(names, sums.pairs(), strict=True))
        return over_processes(latest, trainer)

    def so_far(self) -> dict[str, dict[str, Tensor]]:
        """Return what has been added up, `(2, names)` on the CPU."""
        self.take_in()
        kept = {"sums": self.sums, "latest": self.latest}
        return {
            part: {"\n".join(names): sums.pairs().T.cpu() for names, sums in of.items()}
            for part, of in kept.items()
        }

    def take_up(self, state: dict[str, dict[str, Tensor]], device: torch.device) -> None:
        """Go on from what had been added up."""
        self.waiting = {}
        self.sums, self.latest = (
            {tuple(k.split("\n")): sums_from(v, device) for k, v in state[part].items()}
            for part in ("sums", "latest")
        )


def bare(value: Number) -> Number:
    """Return a value that remembers no graph."""
    return value.detach() if isinstance(value, Tensor) else value


def added(one: list[float] | Tensor, other: list[float] | Tensor) -> list[float] | Tensor:
    """Return `(names,)` sums."""
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        return cast(Tensor, one) + cast(Tensor, other)
    return [a + b for a, b in zip(one, other, strict=True)]


def sums_from(kept: Tensor, device: torch.device) -> Sums:
    """Return the sums that were kept as `(2, names)` on the CPU."""
    return Sums(*(kept.tolist() if device.type == "cpu" else kept.to(device, copy=True)))


def quotients(latest: Mapping[Names, Sums]) -> dict[str, float]:
    """Return Σ weight · value / Σ weight of each name where all are numbers, else nothing."""
    found: dict[str, float] = {}
    for names, (totals, weights) in latest.items():
        if isinstance(totals, Tensor) or isinstance(weights, Tensor):
            return {}
        for name, total, weight in zip(names, totals, weights, strict=True):
            found[name] = total / weight if weight else math.nan
    return dict(sorted(found.items()))


def by_name(sums: Iterable[tuple[Names, Sums]]) -> dict[str, Tensor]:
    """Return the `(2,)` sums of each name, over all steps whatever else was known of them."""
    found: dict[str, Tensor] = {}
    for names, own in sums:
        for name, pair in zip(names, own.pairs(), strict=True):
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
