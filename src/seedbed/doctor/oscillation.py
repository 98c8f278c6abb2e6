"""A training loss that jumps up and down from epoch to epoch."""

import numpy as np
from numpy.typing import NDArray

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._loss import epochs, reference, unknown, whole
from seedbed.doctor._remedy import batch, rate
from seedbed.doctor._statistics import recent

JUMP = 0.1  # rise of the loss from one epoch to the next
OFTEN = 0.25  # share of epochs that rise so
LEARNED = 0.05  # of the loss of guessing, below which jumps do not matter
ENOUGH = 6  # epochs


def oscillation(case: Case) -> Finding:
    """Find means over an epoch that rise by more than a tenth in a quarter of the epochs.

    Mixing, dropout and augmentation let the training loss jump by themselves, so the validation
    loss must do so, too, where there is one.
    """
    found = epochs(case)
    if len(found) < ENOUGH or (found.values <= 0).any():
        missing = f"{len(found)} epochs with a positive loss; {ENOUGH} are needed"
        return unknown("oscillation", missing)
    rises = jumps(found)
    val = epochs(case, "val")
    share, now, base = float(rises.mean()), recent(found.values), reference(case)[0]
    says = f"the training loss rose by more than {JUMP:.0%} in {share:.0%} of the epochs"
    numbers = {"share": share, "recent": now, "base": base}
    late = bool(rises[len(rises) // 2 :].mean() >= OFTEN)  # it has not settled
    calm = len(val) >= ENOUGH and float(jumps(val).mean()) < OFTEN
    if share < OFTEN or calm or not late or now <= LEARNED * base:
        return Finding("oscillation", "pass", says, numbers=numbers)
    return Finding(
        "oscillation",
        "warn",
        f"{says}; it is {now:.3g} now",
        "steps too large, or batches too small",
        (*rate(case, 0.3), *rate(case, 0.1), *batch(case, 4)),
        whole(found),
        numbers,
    )


def jumps(found: Curve) -> NDArray[np.bool_]:
    """Return which points are more than a tenth above the one before, `(n - 1,)`."""
    return np.diff(found.values) > JUMP * found.values[:-1]
