"""Numbers that are none: the loss or the gradient became NaN or infinite."""

import numpy as np

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._loss import unknown
from seedbed.doctor._remedy import added, number, rate

LATER = "steps too large, or a division by zero or an infinite value in the data"
AT_ONCE = "inputs, targets or first weights that are no numbers: no update was made yet"
NAMES = ("train/loss", "train/loss_step", "val/loss", "doctor/loss", "gradient/norm")


def nan(case: Case) -> Finding:
    """Find losses that end in NaN: once there, a training never comes back by itself.

    A table may have NaN where nothing was measured.  So a curve is ill if it has more NaN at its
    end than between any two of its numbers; NaN followed by numbers is a gap.

    Facts:
        diverged: what the run said when it stopped, where it did.
        bad_layer: the first layer with weights or gradients that are no numbers.
        updates: made before it stopped.
    """
    found = {name: case.curves[name] for name in NAMES if len(case.curves.get(name, ()))}
    said = str(case.facts.get("diverged") or "")
    if not found and not said:
        return unknown("nan", "no loss was logged")
    ends = {name: span for name, curve in found.items() if (span := tail(curve))}
    if not ends and not said:
        return Finding("nan", "pass", "all losses are finite")
    layer = case.facts.get("bad_layer")
    where = f"; the first layer with such numbers is {layer}" if layer else ""
    if ends:
        name, span = min(ends.items(), key=lambda each: each[1][0])
        says = f"{name} is not finite from step {number(span[1])} on{where}"
    else:
        span, says = None, f"{said}{where}"
    at_once = case.facts.get("updates") == 0
    return Finding(
        "nan",
        "fail",
        says,
        AT_ONCE if at_once else LATER,
        () if at_once else remedies(case),
        span,
        {"step": span[1]} if span else {},
    )


def tail(curve: Curve) -> tuple[float, float] | None:
    """Return the steps of the last number and of the NaN after it; None if a number ends it."""
    known = np.flatnonzero(np.isfinite(curve.values))
    if not len(known):
        return float(curve.steps[0]), float(curve.steps[0])
    last, widest = known[-1], int(np.diff(known, prepend=-1).max()) - 1
    if len(curve) - 1 - last <= widest:
        return None
    return float(curve.steps[last]), float(curve.steps[last + 1])


def remedies(case: Case) -> tuple[tuple[str, ...], ...]:
    """Return a lower rate, gradients of a limited length, numbers of a wider range."""
    half = case.setting("trainer.precision") in ("16-mixed", "16-true")
    wider = (("trainer.precision=bf16-mixed",),) if half else ()
    return (*wider, *rate(case, 0.1), *rate(case, 0.01), *added(case, "callback", "gradient_clip"))
