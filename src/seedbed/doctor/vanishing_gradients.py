"""Gradients that hardly reach the first layer."""

import numpy as np

from seedbed.doctor._before import filled, fitting, measured, passed
from seedbed.doctor._case import Case, Finding, Words
from seedbed.doctor._loss import curve, reference, train, unknown
from seedbed.doctor._statistics import recent

LEAST = 1e-3  # RMS of the first layer's gradient by the last one's; healthy nets: .28 to 2.1
LEARNS = 0.5  # of the loss of guessing: then the first layer was not needed
LOOKS = 3
RATIO = 1e-3  # of the first layer's gradient to the last one's; healthy .28 to 2.1
PROBES = 3  # so that one odd batch says nothing
LOST = 1e-6  # the first layer gets nothing


def vanishing_gradients(case: Case) -> Finding:
    """Find first layers that hardly get a gradient.

    Judged by what was measured before training, or else by what training has shown.
    """
    return at_start(case) if measured(case, "gradient_ratio") else while_training(case)


def while_training(case: Case) -> Finding:
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
        remedies(case) if case.config else (),
        (float(ratio.steps[0]), float(ratio.steps[-1])),
        numbers,
    )


def at_start(case: Case) -> Finding:
    """Judge how much of the last layer's gradient reaches the first.

    Facts: `gradient_ratio`, a list of RMS of the first layer's weight gradient over that of the
    last layer, one a probe before training; else the curve `doctor/gradient_ratio`; a string says
    why there is none.
    """
    known = case.facts.get("gradient_ratio")
    if isinstance(known, str):
        return Finding("vanishing_gradients", "unknown", known)
    curve = case.curves.get("doctor/gradient_ratio")
    values = np.asarray(known if known is not None else curve.values if curve else [], dtype=float)
    ratios = values[np.isfinite(values)]
    if len(ratios) < PROBES:
        why = case.facts.get("unmeasured", {}).get("gradient_ratio")
        says = f"{len(ratios)} measurements of the gradient, {PROBES} are needed"
        return Finding("vanishing_gradients", "unknown", why or says)
    middle = float(np.median(ratios))
    says = f"the first layer's gradient is {middle:.2g} of the last one's"
    numbers = {"ratio": middle}
    if middle >= RATIO:
        return passed("vanishing_gradients", says, numbers)
    span = None if curve is None else (float(curve.steps[0]), float(curve.steps[-1]))
    return Finding(
        "vanishing_gradients",
        "fail" if middle < LOST else "warn",
        f"{says} (from {RATIO:g} is healthy)",
        "many layers that each shrink the signal, as sigmoids do",
        remedies(case),
        span,
        numbers,
    )


def remedies(case: Case) -> tuple[Words, ...]:
    """Return an activation that lets gradients through with its init, a norm layer, an init.

    Only a sigmoid shrinks every gradient, to a quarter at most; others need first weights that
    keep them.
    """
    activation, norm = case.setting("model.activation"), case.setting("model.norm")
    layers = (("model.norm=batch",),) if norm == "none" else ()
    bent = activation not in (None, "relu")
    other = (("model.activation=relu", *filled(case, "he")),) if bent else ()
    kept = (filled(case, fitting(case)),)
    return (*other, *layers, *kept) if activation == "sigmoid" else (*kept, *layers, *other)
