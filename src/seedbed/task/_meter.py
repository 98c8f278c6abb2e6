"""Weighted means of many scalars, kept on the device and exact over processes of unequal shares."""

import torch
from lightning import Trainer
from torch import Tensor


class Meter:
    """Adds up values and weights by name; nothing leaves the device until `means`."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}  # (2,) each: Σ weight · value, Σ weight
        self.latest: dict[str, Tensor] = {}  # the same of the newest value alone

    def add(self, values: dict[str, Tensor], weight: float | Tensor = 1) -> None:
        """Add one `()` value a name, each counted `weight` times."""
        for name, live in values.items():
            value = precise(live.detach())
            count = torch.zeros_like(value) + weight
            pair = torch.stack([value * count, count])
            self.sums[name] = self.sums[name] + pair if name in self.sums else pair
            self.latest[name] = pair

    def means(self, trainer: Trainer) -> dict[str, float]:
        """Return the mean of each name over all processes, and start anew."""
        sums, self.sums = self.sums, {}
        return over_processes(sums, trainer)

    def newest(self, trainer: Trainer) -> dict[str, float]:
        """Return the mean of the newest value of each name over all processes."""
        return over_processes(self.latest, trainer)

    def so_far(self) -> dict[str, dict[str, Tensor]]:
        """Return what has been added up, on the CPU."""
        kept = {"sums": self.sums, "latest": self.latest}
        return {k: {name: v.cpu() for name, v in values.items()} for k, values in kept.items()}

    def take_up(self, state: dict[str, dict[str, Tensor]], device: torch.device) -> None:
        """Go on from what had been added up."""
        self.sums = {name: v.to(device) for name, v in state["sums"].items()}
        self.latest = {name: v.to(device) for name, v in state["latest"].items()}


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
    return value.to(torch.float32 if value.device.type == "mps" else torch.float64)
