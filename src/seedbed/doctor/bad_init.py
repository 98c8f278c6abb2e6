"""A loss that starts far above that of knowing nothing: the first steps unlearn the init."""

import math

from seedbed.doctor._before import class_of, filled, fitting, measured, passed
from seedbed.doctor._case import Case, Finding, Words
from seedbed.doctor._loss import curve, reference, train, unknown
from seedbed.doctor._remedy import chosen
from seedbed.doctor._statistics import recent

# Random logits of variance v cost about v/2 beyond ln C, however many classes there are.  He init
# costs up to 1.6 nats (320 MLPs of 2 and 10 classes); a head 100 times too large costs 13 and more.
EXCESS = 2.0  # nats above ln C
FACTOR = 4.0  # of real targets: he init gives 3 times the loss of the best constant
HOPELESS = 4.0  # times what is allowed
HIGH = {"class": 1.5, "value": 3.0}  # times the loss of guessing; healthy classifiers: .98 to 1.17
LATE = 0.05  # of the training, at which a net that has forgotten its first weights is below it
LEARNED = 0.2  # of the loss of guessing at the end
SOON = 3  # updates, after which a loss is no longer that of the first weights


def bad_init(case: Case) -> Finding:
    """Find a first loss far above that of equal chances for all classes.

    Judged by what was measured before training, or else by the first updates and what became of
    them.
    """
    return at_start(case) if measured(case, "init_loss") else while_training(case)


def at_start(case: Case) -> Finding:
    """Judge the loss of the first weights.

    Facts: `kind`, `classes`, `base`; `init_loss`, the data term on training examples before the
    first update; `uniform`, the loss of equal probabilities where it is not ln C.
    """
    loss, base = case.facts.get("init_loss"), case.facts.get("base")
    if loss is None:
        why = case.facts.get("unmeasured", {}).get("init_loss")
        return Finding("bad_init", "unknown", why or "the loss before the first step is not known")
    if case.facts.get("kind") == "value":
        if not base:
            why = "the targets do not vary" if base == 0 else "not measured: base"
            return Finding("bad_init", "unknown", why)
        allowed, whose = FACTOR * base, f"the best constant {base:.3g}"
        over, limit = loss / base, FACTOR
    else:
        classes = case.facts.get("classes")
        if not classes or classes < 2:
            return Finding("bad_init", "unknown", "not measured: classes")
        uniform = case.facts.get("uniform") or math.log(classes)
        allowed = uniform + EXCESS
        whose = f"equal probabilities {uniform:.3g}"
        over, limit = (loss - uniform) / (allowed - uniform), 1.0
    says = f"the loss starts at {loss:.3g}, {whose} (up to {allowed:.3g} is healthy)"
    numbers = {"loss": loss, "allowed": allowed} | ({"base": base} if base else {})
    if loss <= allowed:
        return passed("bad_init", says, numbers)
    return Finding(
        "bad_init",
        "warn" if over <= HOPELESS * limit else "fail",
        says if math.isfinite(loss) else "the loss is not finite before the first step",
        cause(case),
        of_scale(case),
        numbers=numbers,
    )


def cause(case: Case) -> str:
    """Return what makes a first loss large."""
    if case.facts.get("kind") == "value" and not class_of(case, "target_scaling"):
        return "targets are far from 0, where the first predictions are"
    return "the first weights, of the head above all, make the model sure of what it cannot know"


def of_scale(case: Case) -> tuple[Words, ...]:
    """Return what puts first predictions near the targets."""
    if case.facts.get("kind") == "value" and not class_of(case, "target_scaling"):
        return (("target_scaling=standard",), filled(case, fitting(case)))
    return (filled(case, fitting(case)), filled(case, "lecun"))


def while_training(case: Case) -> Finding:
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
