"""Batches of one kind: examples in the order of their classes."""

import numpy as np

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import curve, unknown

MIXED = 0.7  # of the entropy that a batch of examples drawn at random has
LOOKS = 5


def unshuffled(case: Case) -> Finding:
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
