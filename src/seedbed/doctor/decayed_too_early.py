"""A schedule that ends the learning before the training ends."""

import math

import numpy as np

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._loss import change, curve, reference, train, unknown
from seedbed.doctor._remedy import chosen
from seedbed.doctor._statistics import recent

GONE = 0.01  # of its peak, at which a rate teaches nothing more
REST = 0.25  # of the training that is left by then
LEFT = 0.2  # of the loss of guessing, above which there is something left to learn
FELL, STILL = -0.05, 0.08  # change of the loss before, and after


def decayed_too_early(case: Case) -> Finding:
    """Find a rate that is gone with a quarter of the training left, while the loss still fell."""
    rates = highest(case)
    found = train(case)
    if len(rates) < 2 or len(found) < 6:
        return unknown("decayed_too_early", "no learning rates were logged, or too few losses")
    top = int(np.argmax(rates.values))
    low = np.flatnonzero(rates.values[top:] < GONE * rates.values[top])
    if not len(low):
        return Finding("decayed_too_early", "pass", "the learning rate did not vanish")
    at = float(rates.steps[top + low[0]])
    end = float(case.facts.get("total") or found.steps[-1])
    end = max(end, float(found.steps[-1])) if math.isfinite(end) else float(found.steps[-1])
    rest = 1 - at / end
    back = bool((rates.values[top + low[0] :] >= GONE * rates.values[top]).any())
    says = f"the learning rate was below {GONE:.0%} of its peak from step {at:.0f} of {end:.0f} on"
    numbers = {"step": at, "rest": rest}
    if back or rest < REST or not cut_short(case, found, at):
        return Finding("decayed_too_early", "pass", says, numbers=numbers)
    return Finding(
        "decayed_too_early",
        "warn",
        f"{says}, at a loss of {recent(found.values):.3g} that was still falling",
        "a schedule that ends before the training",
        (*chosen(case, "scheduler", "cosine"), *chosen(case, "scheduler", "constant")),
        (at, float(found.steps[-1])),
        numbers,
    )


def cut_short(case: Case, found: Curve, at: float) -> bool:
    """Return whether the loss fell until the rate was gone, stood still since, and is high."""
    before = found.values[found.steps <= at]
    after = found.values[found.steps > at]
    if len(after) < 3 or recent(found.values) <= LEFT * reference(case)[0]:
        return False
    fell = not len(before) or len(before) < 4 or change(before[-len(after) :]) < FELL
    return fell and abs(change(after)) < STILL


def highest(case: Case) -> Curve:
    """Return the learning rate over time, of several groups the highest."""
    groups = [curve(case, n) for n in case.curves if n == "lr" or n.startswith("lr/")]
    groups = [group for group in groups if len(group)]
    if not groups:
        return Curve(np.empty(0), np.empty(0))
    return max(groups, key=lambda group: float(group.values.max()))
