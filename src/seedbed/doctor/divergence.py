"""A loss that has risen above what guessing costs."""

import math
from collections.abc import Mapping

import numpy as np

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._loss import accuracy, reference, train, unknown, whole
from seedbed.doctor._remedy import added, rate
from seedbed.doctor._statistics import recent

ABOVE = 1.3  # times the loss of guessing: noise around it stays below
ROSE = 2.0  # times the lowest loss before: it had been better
FAR = 3.0  # times the loss of guessing, where it need not have been better
ENOUGH = 3  # points


def divergence(case: Case) -> Finding:
    """Find a loss that is worse than guessing and either has been better or never was.

    Guessing needs no weights at all, so a loss far above it says that steps lead away.
    """
    found = train(case)
    if len(found) < ENOUGH:
        return unknown("divergence", f"{len(found)} training losses; {ENOUGH} are needed")
    base, called = reference(case)
    now, at = recent(found.values), int(np.argmin(found.values))
    lowest, first = float(found.values[at]), float(found.values[0])
    numbers = {"recent": now, "lowest": lowest, "base": base}
    if wrong_way(case, now):
        return away(case, found, now, numbers)
    if base <= 0 or math.isnan(base):
        return unknown("divergence", "the loss is not positive: nothing says what is high")
    rose = now > ABOVE * base and now > ROSE * lowest
    stayed = case.facts.get("base") is not None and now > FAR * base and now >= first
    if not rose and not stayed:
        return Finding("divergence", "pass", f"loss {now:.3g} against {called}", numbers=numbers)
    was = f" after {lowest:.3g} at step {found.steps[at]:.0f}" if rose else ""
    return Finding(
        "divergence",
        "fail",
        f"training loss {now:.3g}{was}, against {called}",
        "steps too large for this loss",
        (*rate(case, 0.1), *rate(case, 0.01), *added(case, "callback", "gradient_clip")),
        (float(found.steps[at if rose else 0]), float(found.steps[-1])),
        numbers,
    )


def wrong_way(case: Case, now: float) -> bool:
    """Return whether a loss of classes is negative while fewer are told right than by chance."""
    classes, right = case.facts.get("classes"), accuracy(case, "train").values
    if case.facts.get("kind") != "class" or not classes or not len(right):
        return False
    return now < 0 and recent(right) < 1 / classes


def away(case: Case, found: Curve, now: float, numbers: Mapping[str, float]) -> Finding:
    """Return that training makes the loss worse."""
    return Finding(
        "divergence",
        "fail",
        f"training loss {now:.3g}, below 0, and fewer right than by chance",
        "a loss of the wrong sign: training looks for the worst answers",
        (("loss=auto",),) if case.config else (),
        whole(found),
        numbers,
    )
