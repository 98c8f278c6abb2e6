"""A loss that still falls when the training ends."""

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import epochs, falls, train, unknown
from seedbed.doctor._remedy import longer
from seedbed.doctor._statistics import last_part, recent

WORTH = 0.05  # of the loss, by which it fell in the last third
ENOUGH = 6  # points


def still_improving(case: Case) -> Finding:
    """Find a validation loss that falls to the end: a longer training would go on."""
    val = epochs(case, "val")
    found, split = (val, "validation") if len(val) else (train(case), "training")
    if len(found) < ENOUGH:
        return unknown("still_improving", f"{len(found)} losses; {ENOUGH} are needed")
    falling, tau, p = falls(found)
    end = last_part(found, 1 / 3).values
    fell = 1 - recent(found.values) / float(end[0]) if end[0] > 0 else 0.0
    numbers = {"fell": fell, "tau": tau, "p": p}
    says = f"the {split} loss fell by {fell:.0%} in the last third of the training"
    if not falling or fell < WORTH:
        return Finding("still_improving", "pass", says, numbers=numbers)
    return Finding(
        "still_improving",
        "info",
        f"{says} and has not come to rest",
        "a training that ends early",
        (*longer(case, 2), *longer(case, 4)),
        (float(last_part(found, 1 / 3).steps[0]), float(found.steps[-1])),
        numbers,
    )
