"""A rate so low that the training does not get anywhere in its time."""

import math

import numpy as np

from seedbed.doctor._case import Case, Finding, Words
from seedbed.doctor._loss import curve, falls, made, reference, train, unknown, whole
from seedbed.doctor._remedy import is_number, number, rate
from seedbed.doctor._statistics import recent

SMALL = 1e-4  # ‖Δθ‖/‖θ‖ of an update that is too small in any case
AIM = 2e-3  # for a remedy: nine of ten healthy trainings have 1e-3 to 2e-2
MOST = 1e4  # times the rate at once
WAY = 0.3  # lengths of the weights that all updates together may move them: too short a way
LEFT = 0.2  # of the loss of guessing, above which there is something left to learn
STRAIGHT = 0.5  # of its fall in the first half: healthy losses fall fastest at first
LONG = 10  # points: the beginning of any curve is straight
THRESHOLD = "callback.gradient_clip.threshold"
CUT = 100.0  # times the threshold: gradients of which one part in a hundred is left
LITTLE = 0.7  # of the loss of guessing: hardly begun


def slow(case: Case) -> Finding:
    """Find a loss that falls steadily, is still high, and moves by updates that are tiny.

    Without a log of updates a straight line tells it: at a rate that suits, a loss falls fastest
    at first.
    """
    found = train(case)
    if len(found) < 5:
        return unknown("slow", f"{len(found)} training losses; 5 are needed")
    base, called = reference(case)
    if math.isnan(base) or base <= 0:
        return unknown("slow", "nothing says what guessing would cost")
    now, (falling, tau, p) = recent(found.values), falls(found)
    moves = curve(case, "doctor/update").values
    u = float(np.median(moves)) if len(moves) else math.nan
    numbers = {"recent": now, "base": base, "tau": tau, "p": p, "u": u}
    moved = "" if math.isnan(u) else f"; an update moves the weights by {u:.1e} of their length"
    says = f"training loss {now:.3g}, {now / base:.0%} of {called}{moved}"
    way = u * float(case.facts.get("total") or made(case))
    tiny = u < SMALL or way < WAY or (math.isnan(u) and line(case))
    if not (falling and now > LEFT * base and tiny):
        return Finding("slow", "pass", says, numbers=numbers)
    factor = 10.0 if math.isnan(u) else AIM / max(u, 1e-9)
    clipped = clipping(case)
    return Finding(
        "slow",
        "warn",
        f"{says}; still falling steadily (τ {tau:.2f})",
        "gradients that are clipped away" if clipped else "a learning rate that is too low",
        (*clipped, *rate(case, min(MOST, max(3.0, factor)))),
        whole(found),
        numbers,
    )


def clipping(case: Case) -> tuple[Words, ...]:
    """Return a threshold that lets ordinary gradients pass, where hardly any does now."""
    threshold, norms = case.setting(THRESHOLD), curve(case, "gradient/norm_before").values
    if not is_number(threshold) or not len(norms) or np.median(norms) <= CUT * threshold:
        return ()
    return ((f"{THRESHOLD}={number(2 * float(np.median(norms)))}",),)


def line(case: Case) -> bool:
    """Return whether the loss has fallen little, and as fast in the second half as in the first."""
    found = train(case)
    if len(found) < LONG:
        return False
    values = np.array([part.mean() for part in np.array_split(found.values, 3)])
    fell = values[0] - values[1], values[1] - values[2]
    return recent(found.values) > LITTLE * reference(case)[0] and fell[1] > STRAIGHT * fell[0] > 0
