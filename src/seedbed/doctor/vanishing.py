"""Gradients that shrink on their way to the first layer, which then hardly learns."""

import numpy as np

from seedbed.doctor._before import filled, fitting, passed
from seedbed.doctor._case import Case, Finding, Words

RATIO = 1e-3  # of the first layer's gradient to the last one's; healthy .28 to 2.1
PROBES = 3  # so that one odd batch says nothing
LOST = 1e-6  # the first layer gets nothing


def vanishing(case: Case) -> Finding:
    """Judge how much of the last layer's gradient reaches the first.

    Facts: `gradient_ratio`, a list of RMS of the first layer's weight gradient over that of the
    last layer, one a probe before training; else the curve `doctor/gradient_ratio`; a string says
    why there is none.
    """
    known = case.facts.get("gradient_ratio")
    if isinstance(known, str):
        return Finding("vanishing", "unknown", known)
    curve = case.curves.get("doctor/gradient_ratio")
    values = np.asarray(known if known is not None else curve.values if curve else [], dtype=float)
    ratios = values[np.isfinite(values)]
    if len(ratios) < PROBES:
        why = case.facts.get("unmeasured", {}).get("gradient_ratio")
        says = f"{len(ratios)} measurements of the gradient, {PROBES} are needed"
        return Finding("vanishing", "unknown", why or says)
    middle = float(np.median(ratios))
    says = f"the first layer's gradient is {middle:.2g} of the last one's"
    numbers = {"ratio": middle}
    if middle >= RATIO:
        return passed("vanishing", says, numbers)
    span = None if curve is None else (float(curve.steps[0]), float(curve.steps[-1]))
    return Finding(
        "vanishing",
        "fail" if middle < LOST else "warn",
        f"{says} (from {RATIO:g} is healthy)",
        "many layers that each shrink the signal, as sigmoids do",
        remedies(case),
        span,
        numbers,
    )


def remedies(case: Case) -> tuple[Words, ...]:
    """Return an activation that lets gradients through, a norm layer, an init."""
    activation, norm = case.setting("model.activation"), case.setting("model.norm")
    first = [("model.activation=relu",)] if activation not in (None, "relu") else []
    second = [("model.norm=batch",)] if norm == "none" else []
    both = [(*first[0], *second[0])] if first and second else []
    return (*first, *both, *second, filled(case, "he" if first else fitting(case)))
