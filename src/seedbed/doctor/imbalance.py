"""Classes of which one has nearly all examples, or none has any."""

from math import log

import numpy as np

from seedbed.doctor._before import chosen, class_of, count, facts_of, listed, passed
from seedbed.doctor._case import Case, Finding, Words

MAJORITY = 0.8  # always saying one class would be right so often
ENTROPY = 0.5  # of ln C


def imbalance(case: Case) -> Finding:
    """Judge the shares of the classes in training.

    Facts: `kind`; `counts`, the training examples of each class; `classes_absent`, the names of
    those that training lacks and should have.
    """
    if case.facts.get("kind") == "value":
        return passed("imbalance", "targets are real numbers: no classes")
    found = facts_of(case, "imbalance", "counts")
    if isinstance(found, Finding):
        return found
    counts = np.array([n for n in found["counts"] if n > 0], dtype=float)
    if len(counts) < 2:
        return Finding("imbalance", "fail", "training has examples of one class only")
    shares = counts / counts.sum()
    most, entropy = float(shares.max()), float(-(shares * np.log(shares)).sum())
    full = log(len(found["counts"]))
    numbers = {"majority": most, "entropy": entropy, "uniform": full}
    says = f"the largest class has {most:.0%} of the examples, entropy {entropy:.2f} of {full:.2f}"
    absent = list(case.facts.get("classes_absent") or [])
    if absent:
        what = (
            f"training has no example of {count(len(absent), 'class').replace('classs', 'classes')}"
        )
        cause = "the examples were drawn without a look at their classes, or in an order"
        return Finding("imbalance", "warn", f"{what}: {listed(absent)}", cause, numbers=numbers)
    if most <= MAJORITY and entropy >= ENTROPY * full:
        return passed("imbalance", says, numbers)
    if case.setting("loss.class_weight"):
        return Finding("imbalance", "info", f"{says}; loss.class_weight is set", numbers=numbers)
    cause = "rare classes hardly count in the loss: accuracy hides them, look at f1"
    return Finding("imbalance", "warn", says, cause, remedies(case), numbers=numbers)


def remedies(case: Case) -> tuple[Words, ...]:
    """Return class weights, and a head that starts at the shares."""
    loss, inits = class_of(case, "loss"), chosen(case, "init")
    weighed = loss in ("Auto", "CrossEntropy", "BinaryCrossEntropy", "")
    first = [("loss.class_weight=balanced",)] if weighed and not case.facts.get("masked") else []
    if "class_prior" in inits:
        return tuple(first)
    names = [name for name in inits if name != "default"]
    second = f"init=[{','.join([*names, 'class_prior'])}]"
    return (*first, (second,))
