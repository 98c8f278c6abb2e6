"""Short trainings of doubles: as configured, and blind."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from seedbed.preflight._double import whole
from seedbed.preflight._gradients import with_gradient
from seedbed.preflight._start import losses
from seedbed.preflight._supply import Supply
from seedbed.randomness import seed_here
from seedbed.task._rates import factors
from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Clock, Observing, Step, Unfit

Clip = Callable[[list[Tensor]], Any]
Make = Callable[..., Supervised]  # `make(plain=...)`: a fresh double

STEPS = 100  # of a short training
LOOKED = 10  # of its steps in which gradients of exactly 0 are looked for


@dataclass(slots=True)
class Watch:
    """How long a trial may take, in seconds."""

    seconds: float
    start: float = 0.0

    def go(self) -> "Watch":
        """Start."""
        self.start = time.monotonic()
        return self

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() - self.start > self.seconds


def train(
    task: Supervised,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    rates: Callable[[int], None] | None = None,
    clip: Clip | None = None,
) -> Iterator[Step]:
    """Yield the steps of a training, each before its update is made.

    Args:
        task: a double.
        batches: one a step.
        optimizer: over its parameters.
        rates: sets the rates of a step, from 0.
        clip: cuts gradients in place.
    """
    for at, batch in enumerate(batches):
        seed_here(task.device, task.seed, 0, at, 0)
        if rates is not None:
            rates(at)
        step = task.learn(batch)
        optimizer.zero_grad()
        whole(step).backward()
        pulls = [p.grad for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
        if clip is not None and pulls:
            clip(pulls)
        yield step
        optimizer.step()
        for _, regularizer in task._named_regularizers():
            regularizer.group_rates = {}
            regularizer.after_step(task.model, float(optimizer.param_groups[0]["lr"]))


def compressed(task: Supervised, optimizer: Optimizer, clock: Clock) -> Callable[[int], None]:
    """Return what sets the rates of a short training: the whole schedule in so few steps."""
    schedule: Any = task._scheduler
    every: list[Callable[[int], float]] = []
    if schedule is not None and not isinstance(schedule, Observing) and clock.total < math.inf:
        try:
            every = factors(schedule, optimizer, clock)
        except Unfit:
            every = []

    def set_them(step: int) -> None:
        place = min(int(clock.total) - 1, round(step * clock.total / STEPS)) if every else 0
        for group, factor in zip(optimizer.param_groups, every, strict=False):
            group["lr"] = group["initial_lr"] * factor(place)

    return set_them


def short(
    task: Supervised,
    batches: Iterable[Batch],
    clock: Clock,
    clip: Clip | None,
    steps: int = STEPS,
    watch: Watch | None = None,
    rate: float | None = None,
) -> tuple[int, set[str], Optimizer]:
    """Train for a few steps.

    Returns:
        the steps made, the names of the parameters that had a gradient, and the optimizer.
    """
    optimizer = task.make_optimizer()
    if rate is not None:
        at_rate(optimizer, rate)
    rates = compressed(task, optimizer, clock) if rate is None else None
    moved: set[str] = set()
    made = 0
    for step in train(task, batches, optimizer, rates, clip):
        moved |= with_gradient(task) if made < LOOKED else set()
        if made >= steps or (watch and watch.over and made > 1) or not step.loss.isfinite():
            break
        made += 1
    return made, moved, optimizer


def at_rate(optimizer: Optimizer, rate: float) -> None:
    """Give the first group a rate, and the others theirs in proportion."""
    first = float(optimizer.param_groups[0]["initial_lr"]) or 1.0
    for group in optimizer.param_groups:
        group["lr"] = rate * group["initial_lr"] / first


def blinded(batch: Batch) -> Batch:
    """Return a batch whose inputs are all their mean."""
    x = batch.x
    mean = x.float().mean(0, keepdim=True).to(x.dtype) if x.is_floating_point() else x[:1]
    return batch._replace(x=mean.expand_as(x).contiguous())


def helps(blind: dict[str, Any]) -> bool:
    """Return whether inputs helped beyond chance."""
    return blind["gain"] > max(0.0, 2 * blind["error"])


def compare(make: Make, supply: Supply, probes: list[Batch], how: dict[str, Any]) -> dict[str, Any]:
    """Return the fact `blind` of `input_blind`, and what the trial as configured did.

    Args:
        make: returns doubles.
        supply: of training batches.
        probes: validation batches to measure on.
        how: arguments of `short`.
    """
    real = make()
    made, moved, optimizer = short(real, supply.feed(), **how)
    again = {**how, "steps": made, "watch": None}
    blind = make()
    short(blind, (blinded(batch) for batch in supply.feed()), **again)
    seen = losses(real, probes, learned=False)
    unseen = losses(blind, [blinded(batch) for batch in probes], learned=False)
    gain = torch.nan_to_num(unseen - seen, nan=-1.0, posinf=-1.0, neginf=-1.0)
    return {
        "blind": {
            "loss": float(seen.mean()),
            "blind_loss": float(unseen.mean()),
            "gain": float(gain.mean()),
            "error": float(gain.std() / len(gain) ** 0.5) if len(gain) > 1 else 0.0,
            "steps": made,
        },
        "moved": moved,
        "task": real,
        "optimizer": optimizer,
    }
