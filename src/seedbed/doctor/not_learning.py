"""A loss that stays where guessing is."""

import math

import numpy as np

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import begun, curve, epochs, made, reference, train, unknown, whole
from seedbed.doctor._remedy import rate
from seedbed.doctor._statistics import recent

STAYS = 0.97  # of the loss of guessing
LARGE, SMALL = 3e-3, 1e-4  # ‖Δθ‖/‖θ‖ of an update: more is too fast to learn, less too slow
STEPS, EPOCHS = 100, 2  # after which something must have been learned


def not_learning(case: Case) -> Finding:
    """Find a training loss that is no better than guessing after 100 updates and 2 epochs.

    How far each update moves the weights tells in which direction the rate is wrong.
    """
    found = train(case)
    if not len(found):
        return unknown("not_learning", "no training loss was logged")
    base, called = reference(case)
    if math.isnan(base) or base <= 0:
        return unknown("not_learning", "nothing says what guessing would cost")
    share, lowest = recent(found.values) / base, val_share(case, base)
    says = f"training loss {share * base:.3g}, {share:.0%} of {called}"
    numbers = {"share": share, "base": base}
    if min(share, lowest) <= STAYS:
        return Finding("not_learning", "pass", says, numbers=numbers)
    if not begun(case, STEPS, EPOCHS) or len(found) < 3:
        return unknown("not_learning", f"{made(case):.0f} updates are too few to tell")
    moves = curve(case, "doctor/update").values
    u = float(np.median(moves)) if len(moves) else math.nan
    cause, remedies = why(case, u)
    moved = "" if math.isnan(u) else f"; an update moves the weights by {u:.1e} of their length"
    return Finding(
        "not_learning", "warn", says + moved, cause, remedies, whole(found), numbers | {"u": u}
    )


def val_share(case: Case, base: float) -> float:
    """Return the lowest validation loss by that of guessing."""
    found = epochs(case, "val").values
    return float(found.min()) / base if len(found) and case.facts.get("base") else math.inf


def why(case: Case, u: float) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Return the likeliest cause by how far updates move the weights, and what to try."""
    if u > LARGE:
        return "steps too large to settle anywhere", (*rate(case, 0.1), *rate(case, 0.01))
    if u < SMALL:
        return "steps too small", rate(case, min(1000.0, max(3.0, 1e-3 / max(u, 1e-9))))
    cause = "inputs that tell nothing about their targets, or another rate is needed"
    return cause, (*rate(case, 0.1), *rate(case, 10))
