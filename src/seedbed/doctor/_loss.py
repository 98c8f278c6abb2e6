"""The losses of a case, and what they are measured against."""

import math

import numpy as np

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._statistics import Values, finite, last_part, mann_kendall, thinned

EMPTY = Curve(np.empty(0), np.empty(0))
EPOCHS = 6  # means over an epoch that make a curve; with fewer, single steps are looked at
BLOCKS = 60  # to which the losses of single steps are averaged
FALLING, SURE = -0.6, 0.05  # τ of a loss that falls, and p of its being chance
FEW = 5  # epochs, where nobody knows how many updates they had
ENOUGH = 5  # points below which no trend is called one: 5 in order are chance in 1 of 60


def curve(case: Case, name: str) -> Curve:
    """Return the finite points of a curve, none if it was not measured."""
    return finite(case.curves[name]) if name in case.curves else EMPTY


def train(case: Case) -> Curve:
    """Return the training loss, smooth enough to be judged: means of epochs, or of many steps."""
    epochs = curve(case, "train/loss")
    if len(epochs) >= EPOCHS:
        return epochs
    single = curve(case, "train/loss_step")
    looks = curve(case, "doctor/loss")
    single = looks if len(looks) > len(single) else single
    blocks = thinned(single, min(BLOCKS, max(1, len(single) // 4)))
    return blocks if len(blocks) > len(epochs) else epochs


def epochs(case: Case, split: str = "train") -> Curve:
    """Return the mean loss of every epoch that was measured."""
    return curve(case, f"{split}/loss")


def reference(case: Case) -> tuple[float, str]:
    """Return the loss of the best answer that ignores its input, and how to call it.

    Where it is not known, the first loss stands for it, which a fresh model's is about.
    """
    base = case.facts.get("base")
    if base is not None and math.isfinite(base) and base > 0:
        return float(base), f"{base:.3g} of guessing"
    found = train(case)
    if not len(found):
        return math.nan, "an unknown one"
    first = float(found.values[0])
    return first, f"{first:.3g} at the start"


def made(case: Case) -> float:
    """Return how many updates were made."""
    return max((float(c.steps[-1]) for c in case.curves.values() if len(c)), default=0.0)


def per_epoch(case: Case) -> float:
    """Return how many updates an epoch has; NaN if that is not known."""
    known = case.facts.get("per_epoch")
    if known:
        return float(known)
    found = epochs(case)
    found = found if len(found) else epochs(case, "val")
    return float(np.median(np.diff(found.steps, prepend=0))) if len(found) else math.nan


def begun(case: Case, steps: float = 100, of_data: float = 2) -> bool:
    """Return whether a training is far enough to be judged: as many updates, and epochs."""
    if case.facts.get("unit") == "epoch":  # a table that counts no updates
        return made(case) >= max(of_data, FEW)
    each = per_epoch(case)
    return made(case) >= max(steps, 0 if math.isnan(each) else of_data * each)


def falls(found: Curve, share: float = 1 / 3) -> tuple[bool, float, float]:
    """Return whether a loss falls in its last share of steps, with τ and p."""
    end = last_part(found, share) if len(found) else found
    if len(end) < ENOUGH:
        end = Curve(found.steps[-ENOUGH:], found.values[-ENOUGH:])
    if len(end) < ENOUGH:
        return False, 0.0, 1.0
    tau, p = mann_kendall(end.values)
    return tau < FALLING and p < SURE, tau, p


def change(values: Values) -> float:
    """Return by which share the second half of values differs from the first, in the median."""
    half = len(values) // 2
    before, after = float(np.median(values[: max(1, half)])), float(np.median(values[half:]))
    return (after - before) / before if before else 0.0


def accuracy(case: Case, split: str) -> Curve:
    """Return the share of examples that are told right."""
    return curve(case, f"{split}/acc")


def unknown(symptom: str, missing: str) -> Finding:
    """Return that a symptom cannot be judged, and why."""
    return Finding(symptom, "unknown", missing)


def whole(found: Curve) -> tuple[float, float]:
    """Return the steps that a curve spans."""
    return float(found.steps[0]), float(found.steps[-1])
