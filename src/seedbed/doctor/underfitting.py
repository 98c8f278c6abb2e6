"""A training loss that stays high and flat although validation keeps up with it."""

import math

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import begun, change, epochs, reference, train, unknown
from seedbed.doctor._statistics import last_part, recent

FLAT = 0.08  # change over the last third
HIGH = 0.35  # of the loss of guessing
GAP = 0.15  # of the loss of guessing: with a larger one, capacity is not what is missing


def underfitting(case: Case) -> Finding:
    """Find a loss that no longer falls, far from 0, on training and validation alike.

    Noise in the data looks the same, so it is only told.
    """
    found, val = train(case), epochs(case, "val").values
    base, called = reference(case)
    if len(found) < 6 or math.isnan(base) or not begun(case):
        return unknown("underfitting", "the training is too short, or its loss was not logged")
    now, moved = recent(found.values), change(last_part(found, 1 / 3).values)
    gap = recent(val) - now if len(val) else 0.0
    numbers = {"recent": now, "change": moved, "gap": gap, "base": base}
    says = f"training loss {now:.3g}, {now / base:.0%} of {called}"
    if abs(moved) >= FLAT or now <= HIGH * base or abs(gap) >= GAP * base:
        return Finding("underfitting", "pass", says, numbers=numbers)
    return Finding(
        "underfitting",
        "info",
        f"{says}, and flat: {moved:+.0%} over the last third",
        "a model too small or too bound, or noise that no model can explain",
        remedies(case),
        (float(last_part(found, 1 / 3).steps[0]), float(found.steps[-1])),
        numbers,
    )


def remedies(case: Case) -> tuple[tuple[str, ...], ...]:
    """Return a model that can say more: four times as wide, or one with hidden layers."""
    for key in ("widths", "channels"):
        sizes = case.setting(f"model.{key}")
        if isinstance(sizes, list) and sizes:
            wider = ",".join(str(4 * size) for size in sizes)
            return ((f"model.{key}=[{wider}]",),)
    linear = str(case.setting("model._target_")).endswith("Linear")
    return (("model=mlp",),) if linear else ()
