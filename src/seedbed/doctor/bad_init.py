"""First weights that answer with confidence before anything is learned."""

import math

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import curve, reference, train, unknown
from seedbed.doctor._remedy import chosen
from seedbed.doctor._statistics import recent

HIGH = {"class": 1.5, "value": 3.0}  # times the loss of guessing; healthy classifiers: .98 to 1.17
LATE = 0.05  # of the training, at which a net that has forgotten its first weights is below it
LEARNED = 0.2  # of the loss of guessing at the end
SOON = 3  # updates, after which a loss is no longer that of the first weights


def bad_init(case: Case) -> Finding:
    """Find a first loss far above that of equal chances for all classes.

    It is told only, where the training has made up for it.
    """
    losses = curve(case, "doctor/loss")
    if not len(losses) or losses.steps[0] > SOON:
        return unknown("bad_init", "the loss of the first weights was not logged")
    base, kind = case.facts.get("base"), str(case.facts.get("kind", "class"))
    if not base:
        return unknown("bad_init", "the loss of guessing is not known")
    fair = max(base, math.log(max(2, case.facts.get("classes") or 2)) if kind == "class" else 0)
    first = float(losses.values[0])
    ratio = first / fair
    numbers = {"first": first, "fair": fair, "ratio": ratio}
    says = f"the first loss is {first:.3g}, {ratio:.2g} times that of knowing nothing"
    if ratio <= HIGH.get(kind, HIGH["class"]):
        return Finding("bad_init", "pass", says, numbers=numbers)
    found = train(case)
    below = found.steps[found.values < fair]
    late = not len(below) or below[0] > LATE * (case.facts.get("total") or found.steps[-1])
    bad = late or recent(found.values) > LEARNED * reference(case)[0]
    return Finding(
        "bad_init",
        "warn" if bad else "info",
        says,
        "first weights, or targets, of a large scale",
        remedies(case, kind),
        (float(losses.steps[0]), float(below[0] if len(below) else found.steps[-1])),
        numbers,
    )


def remedies(case: Case, kind: str) -> tuple[tuple[str, ...], ...]:
    """Return targets of a small scale, or first weights of torch's own."""
    if not case.config:
        return ()
    scaled = chosen(case, "target_scaling", "standard") if kind == "value" else ()
    inputs = chosen(case, "scaling", "standard")
    return (*scaled, *inputs, ("init=default",), ("init=he",))
