"""Batches that hold few kinds of targets, because the examples come in an order."""

import numpy as np

from seedbed.doctor._before import facts_of, measured, passed
from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import curve, unknown

UNLIKELY = -6.0  # standard deviations below chance; shuffled loaders stay above -3
LOST = 0.1  # of the entropy: in a long training tiny defects are significant, too
MIXED = 0.7  # of the entropy that a batch of examples drawn at random has
LOOKS = 5


def unshuffled(case: Case) -> Finding:
    """Find batches whose classes are far fewer than chance would bring together.

    Judged by what was measured before training, or else by what was seen during it.
    """
    return at_start(case) if measured(case, "order") else while_training(case)


def at_start(case: Case) -> Finding:
    """Judge the mix of targets in the first batches against that of random batches.

    Facts: `order`, the `entropy` of the labels of a batch in nats (real targets in tenths), its
    mean over the first batches, the `chance` and `spread` of that mean over random orders, and
    the number of `batches`; a string says why order means nothing here.
    """
    found = facts_of(case, "unshuffled", "order")
    if isinstance(found, Finding):
        return found
    order = found["order"]
    if isinstance(order, str):
        return passed("unshuffled", order)
    entropy, chance, spread = order["entropy"], order["chance"], order["spread"]
    if chance <= 0 or spread <= 0:
        return Finding("unshuffled", "unknown", "every order of these targets looks the same")
    z = (entropy - chance) / spread
    says = (
        f"the first {order['batches']} batches mix {entropy:.2f} nats of labels, random ones "
        f"{chance:.2f} (z = {z:.1f})"
    )
    numbers = {"entropy": entropy, "chance": chance, "z": z}
    if z >= UNLIKELY or entropy > (1 - LOST) * chance:
        return passed("unshuffled", says, numbers)
    return Finding(
        "unshuffled",
        "fail",
        says,
        "the training batches are not shuffled: each pulls towards the classes it holds",
        numbers=numbers,
    )


def while_training(case: Case) -> Finding:
    """Find batches whose classes are far fewer than chance would bring together.

    The entropy of a batch's labels is compared with that of a batch drawn at random, so neither
    small batches nor rare classes look like it.
    """
    found = curve(case, "doctor/mixed")
    if len(found) < LOOKS:
        return unknown("unshuffled", "the labels of batches were not looked at")
    middle = float(np.median(found.values))
    numbers = {"mixed": middle}
    says = f"the labels of a batch have {middle:.0%} of the entropy that chance gives them"
    if middle >= MIXED:
        return Finding("unshuffled", "pass", says, numbers=numbers)
    return Finding(
        "unshuffled",
        "warn",
        says,
        "examples in the order of their classes; shuffle them in every epoch",
        (),
        (float(found.steps[0]), float(found.steps[-1])),
        numbers,
    )
