"""Gradients that hardly reach the first layer."""

import numpy as np

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import curve, reference, train, unknown
from seedbed.doctor._remedy import setting
from seedbed.doctor._statistics import recent

LEAST = 1e-3  # RMS of the first layer's gradient by the last one's; healthy nets: .28 to 2.1
LEARNS = 0.5  # of the loss of guessing: then the first layer was not needed
LOOKS = 3


def vanishing_gradients(case: Case) -> Finding:
    """Find first layers whose gradient is a thousandth of the last layer's, or less."""
    ratio = curve(case, "doctor/gradient_ratio")
    if len(ratio) < LOOKS:
        return unknown("vanishing_gradients", "no gradients by layer were logged")
    middle = float(np.median(ratio.values))
    numbers = {"ratio": middle}
    says = f"the first layer's gradient is {middle:.2g} of the last one's"
    if middle >= LEAST:
        return Finding("vanishing_gradients", "pass", says, numbers=numbers)
    losses = train(case).values
    learns = len(losses) > 0 and recent(losses) < LEARNS * reference(case)[0]
    return Finding(
        "vanishing_gradients",
        "info" if learns else "warn",
        says,
        "too many layers for their activation and first weights",
        remedies(case),
        (float(ratio.steps[0]), float(ratio.steps[-1])),
        numbers,
    )


def remedies(case: Case) -> tuple[tuple[str, ...], ...]:
    """Return what keeps gradients alive: a norm layer, an activation that does not saturate."""
    if not case.config:
        return ()
    norm = setting(case, "model.norm", "batch") if case.setting("model.norm") == "none" else ()
    relu = setting(case, "model.activation", "relu")
    both = ((*relu[0], "init=he"),) if relu else (("init=he",),)
    return (*norm, *both)
