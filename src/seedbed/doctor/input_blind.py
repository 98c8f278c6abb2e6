"""A training that does no better than one whose inputs are all the same."""

from seedbed.doctor._before import facts_of, passed
from seedbed.doctor._case import Case, Finding
from seedbed.doctor.label_issues import CHANCE

SURE = 2.0  # standard errors
SMALL = 0.05  # of the loss without inputs: a gain that is surely less is none
STEPS = 20  # fewer say nothing


def input_blind(case: Case) -> Finding:
    """Judge whether the inputs helped in a short training, on validation examples.

    A gain that is not sure is no proof of there being none: it must surely be small.

    Facts: `blind`, of two short trainings of `steps` steps, one on the inputs and one on their
    mean: `loss` of the first, `blind_loss` of the second, the `gain` between them and its
    standard `error`; `rate`, where it took another one than the configured; `neighbours`, as in
    `label_issues`.
    """
    found = facts_of(case, "input_blind", "blind")
    if isinstance(found, Finding):
        return found
    blind = found["blind"]
    steps, gain, error = int(blind["steps"]), blind["gain"], blind["error"]
    says = (
        f"after {steps} steps validation loss {blind['loss']:.3g} with inputs, "
        f"{blind['blind_loss']:.3g} without"
    )
    numbers = {key: float(blind[key]) for key in ("loss", "blind_loss", "gain", "error", "steps")}
    if gain > SURE * error and gain > 0:
        says += f" (at the rate {blind['rate']:.2g})" if blind.get("rate") else ""
        return passed("input_blind", says, numbers)
    if steps < STEPS:
        return Finding("input_blind", "unknown", f"only {steps} steps in the time", numbers=numbers)
    if gain + SURE * error > SMALL * abs(blind["blind_loss"]):
        unsure = f"{says}: too noisy to tell (± {error:.2g})"
        return Finding("input_blind", "info", unsure, numbers=numbers)
    if gain < -SURE * error and related(case):
        noise = f"{says}: it fits noise, for neighbours show that inputs tell"
        return Finding("input_blind", "info", noise, numbers=numbers)
    return Finding(
        "input_blind",
        "warn",
        f"{says}: the inputs do not help",
        "labels that do not belong to their inputs, or inputs that lost what matters",
        numbers=numbers,
    )


def related(case: Case) -> bool:
    """Return whether neighbours share targets beyond chance."""
    near = case.facts.get("neighbours") or {}
    return near.get("agreement", 0) > near.get("chance", 0) + CHANCE * near.get("spread", 0)
