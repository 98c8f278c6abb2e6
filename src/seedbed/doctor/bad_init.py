"""A loss that starts far above that of knowing nothing: the first steps unlearn the init."""

from math import isfinite, log

from seedbed.doctor._before import class_of, filled, fitting, passed
from seedbed.doctor._case import Case, Finding, Words

# Logits of variance v cost about v/2 beyond ln C.  Inits that keep the variance (he) make v up to
# 2, so an excess of 1 nat is ordinary, however few the classes are.
EXCESS, RELATIVE = 1.0, 0.5  # nats above ln C, and share of ln C: the larger of the two is allowed
FACTOR = 4.0  # of real targets: he init gives 3 times the loss of the best constant
HOPELESS = 4.0  # times what is allowed


def bad_init(case: Case) -> Finding:
    """Judge the loss of the first weights.

    Facts: `kind`, `classes`, `base`; `init_loss`, the data term on training examples before the
    first update, else the first value of the curve `train/loss_step`, where it is of step 1;
    `uniform`, the loss of equal probabilities where it is not ln C.
    """
    loss, base = started_at(case), case.facts.get("base")
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
        uniform = case.facts.get("uniform") or log(classes)
        allowed = uniform + max(EXCESS, RELATIVE * uniform)
        whose = f"equal probabilities {uniform:.3g}"
        over, limit = (loss - uniform) / (allowed - uniform), 1.0
    says = f"the loss starts at {loss:.3g}, {whose} (up to {allowed:.3g} is healthy)"
    numbers = {"loss": loss, "allowed": allowed} | ({"base": base} if base else {})
    if loss <= allowed:
        return passed("bad_init", says, numbers)
    return Finding(
        "bad_init",
        "warn" if over <= HOPELESS * limit else "fail",
        says if isfinite(loss) else "the loss is not finite before the first step",
        cause(case),
        remedies(case),
        numbers=numbers,
    )


def started_at(case: Case) -> float | None:
    """Return the loss before the first update."""
    known = case.facts.get("init_loss")
    if known is not None:
        return float(known)
    curve = case.curves.get("train/loss_step")
    return float(curve.values[0]) if curve and curve.steps[0] <= 1 else None


def cause(case: Case) -> str:
    """Return what makes a first loss large."""
    if case.facts.get("kind") == "value" and not class_of(case, "target_scaling"):
        return "targets are far from 0, where the first predictions are"
    return "the first weights, of the head above all, make the model sure of what it cannot know"


def remedies(case: Case) -> tuple[Words, ...]:
    """Return what puts first predictions near the targets."""
    if case.facts.get("kind") == "value" and not class_of(case, "target_scaling"):
        return (("target_scaling=standard",), filled(case, fitting(case)))
    return (filled(case, fitting(case)), filled(case, "lecun"))
