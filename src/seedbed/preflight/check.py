"""All measurements before training, one after the other, and what the doctor makes of them."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._order import before
from seedbed.preflight import (
    _chance,
    _gradients,
    _heart,
    _inputs,
    _memory,
    _mix,
    _neighbours,
    _range,
    _repeats,
    _start,
    _train,
)
from seedbed.preflight._double import double, single, untouched
from seedbed.preflight._supply import Supply
from seedbed.preflight._train import Clip, Watch
from seedbed.task.supervised import Supervised
from seedbed.types import Clock, Data

Tell = Callable[[int, int, str, float], None]
"""Called when a measurement begins and ends: its number, how many, its name, the seconds so far."""

TRIAL, RANGE, HEART = 6.0, 5.0, 8.0  # seconds at most
PIECES, EACH = 8, 64  # validation batches to measure on
PROBE = 256  # training examples to look at the first weights with


@dataclass(slots=True)
class Checked:
    """What came of it."""

    case: Case
    findings: list[Finding]
    seconds: float = 0.0


@dataclass(slots=True)
class Bench:
    """What is measured.

    Args:
        task: with the weights that training starts from; it is only copied.
        data: after `setup`.
        device: that trains.
        clock: the length of the training.
        clip: what cuts gradients in training.
        config: the run's, as plain data.
    """

    task: Supervised
    data: Data
    device: torch.device
    clock: Clock
    clip: Clip | None = None
    config: Mapping[str, Any] = field(default_factory=dict)

    def make(self, *, plain: bool = False) -> Supervised:
        """Return a double of the task."""
        return double(self.task, self.device, plain=plain)

    @property
    def supply(self) -> Supply:
        """Where examples come from."""
        return Supply(self.data, self.device)


def check(bench: Bench, tell: Tell | None = None) -> Checked:
    """Measure everything and judge it; nothing of the run is changed."""
    begun = time.monotonic()
    facts: dict[str, Any] = {"unmeasured": {}}
    shared: dict[str, Any] = {}
    with untouched():
        for at, (name, symptoms, measure) in enumerate(MEASUREMENTS):
            if tell is not None:
                tell(at, len(MEASUREMENTS), name, time.monotonic() - begun)
            try:
                found = measure(bench, facts, shared)
            except Exception as error:  # whatever a part of the user's own does: it is told
                why = f"{type(error).__name__}: {(str(error) or 'no reason').splitlines()[0]}"
                found = {"unmeasured": dict.fromkeys(symptoms, f"could not be measured ({why})")}
            facts["unmeasured"] |= found.pop("unmeasured", {})
            facts |= found
    seconds = time.monotonic() - begun
    if tell is not None:
        tell(len(MEASUREMENTS), len(MEASUREMENTS), "", seconds)
    case = Case({}, facts, bench.config)
    return Checked(case, before(case), seconds)


Facts = dict[str, Any]


def about(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return what is known without a look at the inputs."""
    spec, clock, supply = bench.data.spec, bench.clock, bench.supply
    size = getattr(bench.data, "batch_size", None)
    found: Facts = {
        "kind": spec.kind,
        "batch_size": supply.size("train") if size == "full" else size,
        "per_epoch": clock.per_epoch,
        "total": clock.total if math.isfinite(clock.total) else None,
        "masked": spec.masked,
        "sizes": {split: supply.size(split) for split in ("train", "val", "test")},
    }
    if spec.kind == "class":
        found |= {"classes": len(spec.classes), "counts": list(spec.counts)}
        found["classes_absent"] = [] if supply.new_classes() else absent(supply)
        if supply.new_classes():
            found["counts"] = [n for n in spec.counts if n]
    facts |= found  # to be kept where the task cannot be copied
    return found | _chance.facts(bench.make(plain=True), supply.targets("train"))


def absent(supply: Supply) -> list[str]:
    """Return the classes that validation or test have and training has not."""
    later = torch.cat([supply.targets(split) for split in ("val", "test")])
    there = set(later.unique().tolist())
    names = zip(supply.spec.classes, supply.spec.counts, strict=False)
    return [name for at, (name, n) in enumerate(names) if n == 0 and at in there]


def inputs(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts about the numbers of the inputs."""
    supply = bench.supply
    found = _inputs.finite(supply)
    facts |= found  # to be kept where the rest cannot be measured
    return found | _inputs.facts(supply, scaling_of(bench))


def scaling_of(bench: Bench) -> Callable[[Tensor], Tensor]:
    """Return what raw inputs go through first."""
    net: Any = bench.make(plain=True).cpu().model
    return getattr(net, "scaling", torch.nn.Identity())


def repeats(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts about copies."""
    return _repeats.facts(bench.supply)


def mix(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts about the order of training."""
    return _mix.facts(bench.supply)


def labels(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts about labels and their neighbours."""
    supply = bench.supply
    batch = _inputs.seen(supply, scaling_of(bench), "train")
    return _neighbours.facts(batch, supply.places("train", _inputs.ROWS), supply.spec.kind)


def start(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts about the first weights."""
    supply, plain = bench.supply, bench.make(plain=True)
    probes = supply.probes("train", 3, PROBE)
    shared["moved"] = set()
    found: Facts = {"own_loss": _chance.is_own(plain, probes[0])}
    first = float(_start.losses(plain, probes).mean())
    if found["own_loss"] and math.isfinite(first):
        why = "the task has a loss of its own, with no constant to compare with"
        found["unmeasured"] = {"init_loss": why}
    else:
        found["init_loss"] = first
    flow = _start.flow(bench.make(plain=True), probes[0])
    facts["unmeasured"] |= flow.pop("unmeasured", {})
    found |= flow
    gradients = _gradients.gradients(bench.make(plain=True), probes)
    shared["moved"] = gradients.pop("moved")
    return found | gradients


def trial(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts of a short training, beside one on blind inputs."""
    supply = bench.supply
    probes, watched = supply.probes("val", *pieces(bench)), supply.probes("train", 4, EACH)
    how = {"clock": bench.clock, "clip": bench.clip, "watch": Watch(TRIAL).go()}
    began = time.monotonic()
    first = float(_start.losses(bench.make(plain=True), watched).mean())
    found = _train.compare(bench.make, supply, probes, how)
    task, optimizer = found.pop("task"), found.pop("optimizer")
    steps = max(1, found["blind"]["steps"])
    shared["step"] = (time.monotonic() - began) / (2 * steps)
    shared |= {"task": task, "optimizer": optimizer}
    moved = found.pop("moved") | shared.get("moved", set())
    last = float(_start.losses(task, watched).mean())
    last = last if math.isfinite(last) else 1e9
    found["trial"] = {"start": first, "end": last, "steps": steps}
    targets = facts.get("own_loss") and not bench.data.spec.episode
    if len(probes) < 4 or targets:
        own = "the task has a loss of its own, which inputs may be the targets of"
        why = own if targets else "too few validation examples"
        found["unmeasured"] = {"input_blind": why}
        found.pop("blind")
    return found | frozen(bench.task, optimizer, task, moved)


def pieces(bench: Bench) -> tuple[int, int]:
    """Return into how many validation batches of how many examples to cut."""
    n = bench.supply.size("val")
    count = max(1, min(PIECES, n // 8)) if n < PIECES * EACH else PIECES
    return count, min(EACH, max(1, n // count))


def frozen(task: Supervised, optimizer: Any, made: Supervised, moved: set[str]) -> Facts:
    """Return the facts of `frozen`.

    Args:
        task: the run's own.
        optimizer: of a double.
        made: the double, with parameters of the same names.
        moved: the names of those that had a gradient.
    """
    rates = {
        id(p): group["initial_lr"] for group in optimizer.param_groups for p in group["params"]
    }
    found: dict[str, list[str]] = {
        k: [] for k in ("requires_grad", "gradient", "optimizer", "rate")
    }
    still, every = 0, 0
    asked = dict(task.named_parameters())
    for name, p in made.named_parameters():
        every += p.numel()
        if p.dim() < 2 or name.startswith("regularizers."):
            continue  # a bias before batch norm has no gradient, and needs none
        if not asked[name].requires_grad:
            why = "requires_grad"
        elif id(p) not in rates:
            why = "optimizer"
        elif rates[id(p)] == 0:
            why = "rate"
        elif name not in moved:
            why = "gradient"
        else:
            continue
        found[why].append(name.removeprefix("model."))
        still += p.numel()
    return {
        "parameters": every,
        "frozen": {why: names for why, names in found.items() if names},
        "frozen_numbers": still,
    }


def rates(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts of a range test."""
    steps = max(20, min(100, round(RANGE / max(shared.get("step", 0.01), 1e-4))))
    watch = Watch(2 * RANGE).go()
    return _range.rate_range(bench.make(), bench.supply, bench.clip, steps, watch)


def again(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the fact `blind` at the suggested rate, where the configured one showed nothing."""
    blind, rate = facts.get("blind"), (facts.get("rates") or {}).get("suggested")
    if not blind or not rate or _train.helps(blind):
        return {}
    how = {"clock": bench.clock, "clip": bench.clip, "watch": Watch(TRIAL).go(), "rate": rate}
    probes = bench.supply.probes("val", *pieces(bench))
    found = _train.compare(bench.make, bench.supply, probes, how)["blind"] | {"rate": rate}
    return {"blind": found} if _train.helps(found) else {}


def heart(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts of memorising."""
    supply = bench.supply
    if supply.spec.episode:
        batch = supply.probes("train", 1, 1)[0]
        batch = batch.at(slice(0, 1))
    else:
        batch = _heart.handful(supply, supply.spec.kind)
    batch = single(batch.to(bench.device))
    own = bool(facts.get("own_loss"))
    return _heart.memorise(bench.make, batch, bench.clip, Watch(HEART).go(), own=own)


def memory(bench: Bench, facts: Facts, shared: Facts) -> Facts:
    """Return the facts about memory."""
    supply = bench.supply
    x: Any = bench.data.splits["train"].x
    moves = isinstance(x, Tensor) and bench.device.type != "cpu"
    data = x.numel() * x.element_size() if moves else 0
    if "task" not in shared:
        shared["task"] = bench.make()
        shared["optimizer"] = shared["task"].make_optimizer()
    batch = next(supply.feed())
    return _memory.facts(shared["task"], shared["optimizer"], batch, data)


Measure = Callable[[Bench, Facts, Facts], Facts]
DATA = ("unnormalised", "constant_features", "split_mismatch")
FIRST = ("softmax_twice", "symmetry", "dead_units", "vanishing_gradients")
MEASUREMENTS: Sequence[tuple[str, tuple[str, ...], Measure]] = (
    ("classes", ("bad_init", "imbalance"), about),
    ("inputs", ("non_finite_input", *DATA), inputs),
    ("copies", ("leakage",), repeats),
    ("order", ("unshuffled",), mix),
    ("labels", ("label_issues",), labels),
    ("first weights", (*FIRST, "bad_init", "init_loss", "gradient_ratio"), start),
    ("short training", ("input_blind", "frozen"), trial),
    ("learning rates", ("rate_range",), rates),
    ("inputs once more", (), again),
    ("memorising", ("memorise",), heart),
    ("memory", ("memory",), memory),
)
