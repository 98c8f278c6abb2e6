"""A model that cannot even learn a handful of examples by heart."""

from seedbed.doctor._before import class_of, facts_of, passed
from seedbed.doctor._case import Case, Finding, Words

NEARLY = 0.3  # of it, with every answer right: so narrow a net gets there, only later
WRONG, KNOWN = 0.2, 0.05  # share of wrong answers of a narrow model, and of the neighbours
LOSS = 0.1  # of what knowing nothing costs


def memorise(case: Case) -> Finding:
    """Judge whether a few examples can be learned by heart, without regularisation.

    Facts: `memory_of`, of a training on `n` examples: `steps` made, `loss` at its end and
    `base`, that of knowing nothing, both above the least possible; `acc` (None for real
    targets); `by`, `config` (the optimizer as configured) or the name of what succeeded or
    failed last; `parameters` and `needed`, the numbers that the model has and would need; `cut`,
    whether time ran out; `neighbours`, as in `label_issues`.
    """
    found = facts_of(case, "memorise", "memory_of")
    if isinstance(found, Finding):
        return found
    of = found["memory_of"]
    n, steps, loss, base, acc = (of[key] for key in ("n", "steps", "loss", "base", "acc"))
    reached = f"loss {loss:.2g} of {base:.2g}" + ("" if acc is None else f", acc {acc:.2f}")
    numbers = {"loss": loss, "base": base, "steps": float(steps), "n": float(n)}
    numbers |= {} if acc is None else {"acc": acc}
    if base <= 0:
        return Finding("memorise", "unknown", "the targets of these examples do not vary")
    if loss < LOSS * base and acc in (None, 1.0):
        if of["by"] == "config":
            says = f"{n} examples are learned by heart in {steps} steps ({reached})"
            return passed("memorise", says, numbers)
        says = f"{n} examples are learned by heart by {of['by']}, not as configured ({reached})"
        return passed("memorise", says, numbers)
    if of.get("cut"):
        says = f"only {steps} steps in the time, {reached}"
        return Finding("memorise", "unknown", says, numbers=numbers)
    says = f"{n} examples are not learned by heart in {steps} steps: {reached}"
    if of["parameters"] < of["needed"]:
        few = f"{says}; the model has {of['parameters']:.0f} parameters only"
        known = (case.facts.get("neighbours") or {}).get("disagree", 1.0)
        if acc is None or acc > 1 - WRONG or known > KNOWN:
            return Finding("memorise", "info", few, numbers=numbers)
        few += f", and neighbours tell {1 - known:.0%} of the labels"
        return Finding(
            "memorise", "warn", few, "too little capacity", remedies(case), None, numbers
        )
    if loss < NEARLY * base and acc in (None, 1.0):
        return Finding("memorise", "info", f"{says}; nearly", numbers=numbers)
    return Finding(
        "memorise",
        "warn",
        f"{says} (loss below {LOSS:g} of it and every answer right is healthy)",
        "too little capacity, a loss that does not fit, or a signal that does not get through",
        remedies(case),
        numbers=numbers,
    )


def remedies(case: Case) -> tuple[Words, ...]:
    """Return more capacity where the config has a word for it."""
    widths = case.setting("model.widths")
    if isinstance(widths, list) and widths and all(isinstance(w, int) for w in widths):
        wider = ",".join(str(max(64, 4 * w)) for w in widths[:3])
        return ((f"model.widths=[{wider}]", "model.activation=relu"),)
    return (("model=mlp",),) if class_of(case, "model") == "Linear" else ()
