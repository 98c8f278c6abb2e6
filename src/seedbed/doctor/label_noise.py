"""Labels that training can only learn by heart."""

import math

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import begun, epochs, reference, train, unknown
from seedbed.doctor._remedy import added, setting
from seedbed.doctor._statistics import recent

LEARNED = 0.9  # of the loss of guessing: what the training loss has come down to
GUESSING = 0.97  # of it: what validation has never been better than
NOISY = 0.5  # of it, the best validation loss ...
BY_HEART = 0.5  # ... of which the training loss is at most this share
MANY = 100  # examples of each class: with fewer, too few examples look the same


def label_noise(case: Case) -> Finding:
    """Find a training loss that falls below anything that validation ever shows.

    If validation was never better than guessing, the labels of one of both are wrong or belong to
    other inputs.  If it was better, but not half as good as guessing, and examples are many,
    then a part of the labels is wrong or cannot be told from the inputs.
    """
    val, found = epochs(case, "val"), train(case)
    base, called = reference(case)
    if len(val) < 3 or len(found) < 3 or math.isnan(base) or base <= 0 or not begun(case):
        return unknown("label_noise", "training and validation losses of three epochs are needed")
    best, now = float(val.values.min()), recent(found.values)
    numbers = {"best": best, "train": now, "base": base}
    says = f"validation at best {best / base:.0%} of {called}, training now {now / base:.0%}"
    never = best > GUESSING * base and now < LEARNED * base
    counts = [n for n in case.facts.get("counts") or () if n]
    many = bool(counts) and min(counts) >= MANY
    part = many and best > NOISY * base and now < BY_HEART * best
    if not never and not part:
        return Finding("label_noise", "pass", says, numbers=numbers)
    cause = "labels that belong to other inputs" if never else "labels of which a part is wrong"
    classes = case.facts.get("kind") == "class"
    return Finding(
        "label_noise",
        "warn",
        says,
        f"{cause}; look at them",
        (*added(case, "regularizer", "label_smoothing"),) * classes
        + added(case, "callback", "early_stopping")
        + setting(case, "loss.label_smoothing", "0.2") * classes,
        (float(val.steps[int(val.values.argmin())]), float(val.steps[-1])),
        numbers,
    )
