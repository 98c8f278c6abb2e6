"""A loss that still falls when the training ends."""

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._loss import curve, epochs, falls, made, reference, train, unknown
from seedbed.doctor._remedy import longer
from seedbed.doctor._statistics import last_part

WORTH = 0.05  # of the loss, by which it fell in the last third
LEFT = 0.04  # of the loss of guessing: below, nothing much is left to learn
FAST = 0.15  # of the loss, by which it fell in the last third: far from rest
MUCH = 0.6  # of the loss of guessing: most of what there is to learn is left
ENOUGH = 6  # points
ENDED = 0.95  # of the updates that were meant


def still_improving(case: Case) -> Finding:
    """Find a loss that falls to the end: a longer training would go on.

    The validation loss tells it, or that of training where validations are few.  A warning needs
    a training that has ended as planned with most of its way before it; else it is only told.
    """
    total, whole = case.facts.get("total"), "unit" in case.facts
    if total and made(case) < ENDED * total:
        return unknown(
            "still_improving", "the training goes on, or was stopped before its planned end"
        )
    val, learned = epochs(case, "val"), train(case)
    learned = learned if len(learned) >= ENOUGH else curve(case, "train/loss_step")
    found, split = (val, "validation") if len(val) >= ENOUGH else (learned, "training")
    if len(found) < ENOUGH:
        return unknown("still_improving", f"{len(found)} losses; {ENOUGH} are needed")
    falling, tau, p = falls(found)
    fell, now = fall(found), float(found.values[-1])
    left = max(now, float(val.values[-1]) if len(val) else now)
    base, called = reference(case)
    numbers = {"fell": fell, "tau": tau, "p": p, "recent": now}
    says = f"the {split} loss fell by {fell:.0%} in the last third, to {now / base:.0%} of {called}"
    if not falling or fell < WORTH or now < LEFT * base:
        return Finding("still_improving", "pass", says, numbers=numbers)
    far = bool(total or whole) and fell > FAST and left > MUCH * base
    return Finding(
        "still_improving",
        "warn" if far else "info",
        f"{says}, and has not come to rest",
        "a training that ends early",
        (*longer(case, 4), *longer(case, 10)) if far else (*longer(case, 2), *longer(case, 4)),
        (float(last_part(found, 1 / 3).steps[0]), float(found.steps[-1])),
        numbers,
    )


def fall(found: Curve) -> float:
    """Return by which share of itself a loss fell in the last third of the training."""
    first = float(last_part(found, 1 / 3).values[0])
    return 1 - float(found.values[-1]) / first if first > 0 else 0.0
