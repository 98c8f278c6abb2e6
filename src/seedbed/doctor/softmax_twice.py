"""Probabilities where the loss expects logits: its own softmax flattens them once more."""

from seedbed.doctor._before import class_of, facts_of, passed
from seedbed.doctor._case import Case, Finding

OF_LOGITS = ("Auto", "CrossEntropy", "BinaryCrossEntropy", "KLDiv", "CrossEntropyLoss")
OF_LOGITS = (*OF_LOGITS, "BCEWithLogitsLoss", "MultiMarginLoss")
CLOSE = 1e-3  # to 1, of a row's sum; half precision is that exact


def softmax_twice(case: Case) -> Finding:
    """Judge whether the model emits logits.

    Facts: `kind`; `outputs`, of training examples: `low` (the least number), `off` (how far the
    sum of a row is from 1 at most), `K` and `last`, the operation that made them, as `sigmoid`.
    """
    if case.facts.get("kind") == "value":
        return passed("softmax_twice", "targets are real numbers: no softmax")
    found = facts_of(case, "softmax_twice", "outputs")
    if isinstance(found, Finding):
        return found
    outputs = found["outputs"]
    several, last = outputs["K"] > 1, outputs.get("last", "")
    sums = several and outputs["low"] >= 0 and outputs["off"] <= CLOSE
    squashed = last == "sigmoid"
    numbers = {"low": outputs["low"], "off": outputs["off"]}
    if not (sums or squashed):
        return passed("softmax_twice", "the model emits logits", numbers)
    what = "every row sums to 1 and is ≥ 0" if sums else "the model ends in a sigmoid"
    loss = class_of(case, "loss")
    if loss and loss not in OF_LOGITS:
        says = f"{what}; whether {loss} expects probabilities is not known"
        return Finding("softmax_twice", "info", says, numbers=numbers)
    return Finding(
        "softmax_twice",
        "fail",
        f"the outputs are probabilities already: {what}",
        f"the loss applies its own {'softmax' if several else 'sigmoid'}: leave the model's out",
        numbers=numbers,
    )
