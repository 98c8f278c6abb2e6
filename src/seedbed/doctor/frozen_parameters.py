"""Weights that no step will move."""

from seedbed.doctor._before import chosen, count, facts_of, listed, passed
from seedbed.doctor._case import Case, Finding, Words

ALL = 0.9  # of the weights
REASONS = {
    "requires_grad": "requires_grad is false",
    "gradient": "no gradient reaches them",
    "optimizer": "the optimizer does not hold them",
    "rate": "their rate is 0",
}


def frozen_parameters(case: Case) -> Finding:
    """Judge whether every weight gets a gradient and is in the optimizer.

    Facts: `parameters`, how many numbers the model has; `frozen`, by reason (`requires_grad`,
    `gradient`, `optimizer`, `rate`) the names of the parameters that are not to move, have no
    gradient or one of exactly 0 in several batches, are in no group, or have a rate of 0;
    `frozen_numbers`, how many numbers these are.
    """
    found = facts_of(case, "frozen_parameters", "parameters", "frozen", "frozen_numbers")
    if isinstance(found, Finding):
        return found
    every, still = int(found["parameters"]), int(found["frozen_numbers"])
    numbers = {"parameters": float(every), "frozen": float(still)}
    if not still:
        says = f"every one of {count(every, 'parameter')} gets a gradient"
        return passed("frozen_parameters", says, numbers)
    names = [name for group in found["frozen"].values() for name in group]
    why = ", ".join(REASONS[str(k)] for k, group in found["frozen"].items() if group)
    says = f"{still:,} of {every:,} parameters will not move: {listed(names)} ({why})"
    meant = [n for n in ("finetune",) if n in chosen(case, "callback")]
    meant += [n for n in ("pretrained",) if n in chosen(case, "init")]
    if meant:
        return Finding("frozen_parameters", "info", f"{says}; as {meant[0]} asks", numbers=numbers)
    return Finding(
        "frozen_parameters",
        "fail" if still >= ALL * every else "warn",
        says,
        "frozen on purpose somewhere, detached, or left out of the forward pass",
        remedies(case, found["frozen"]),
        numbers=numbers,
    )


def remedies(case: Case, frozen: dict[str, list[str]]) -> tuple[Words, ...]:
    """Return plain parameter groups where the groups are to blame."""
    grouped = case.setting("param_groups") and (frozen.get("optimizer") or frozen.get("rate"))
    return (("param_groups=none",),) if grouped else ()
