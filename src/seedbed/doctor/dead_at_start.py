"""Units that are closed for every example before the first step: no gradient passes them."""

from seedbed.doctor._before import chosen, facts_of, filled, fitting, listed, passed
from seedbed.doctor._case import Case, Finding, Words

DEAD = 0.5  # of a layer's units; healthy inits have up to .36
SATURATED = 0.5  # of a layer's outputs, at the flat ends of tanh or sigmoid; healthy up to .3
ALL = 0.95


def dead_at_start(case: Case) -> Finding:
    """Judge the units of every activation on training examples.

    Facts: `dead`, by layer the share of its units that are 0, or at a flat end, for all examples;
    `saturated`, by layer the share of its outputs within 1 % of a flat end.
    """
    found = facts_of(case, "dead_at_start", "dead")
    if isinstance(found, Finding):
        return found
    dead = {str(k): float(v) for k, v in found["dead"].items()}
    flat = {str(k): float(v) for k, v in (case.facts.get("saturated") or {}).items()}
    if not dead and not flat:
        return passed("dead_at_start", "no activations: nothing can die")
    most, wide = max(dead.values(), default=0.0), max(flat.values(), default=0.0)
    numbers = {"dead": most, "saturated": wide}
    ill = [name for name, share in dead.items() if share > DEAD]
    stuck = [name for name, share in flat.items() if share > SATURATED]
    if not ill and not stuck:
        says = f"at most {most:.0%} of a layer's units are dead, {wide:.0%} of outputs saturated"
        return passed("dead_at_start", says, numbers)
    says = (
        f"{most:.0%} of the units of {listed(ill)} are dead: closed for every example"
        if ill
        else f"{wide:.0%} of the outputs of {listed(stuck)} are at a flat end"
    )
    return Finding(
        "dead_at_start",
        "fail" if max(most, wide) > ALL else "warn",
        f"{says} (up to {DEAD:.0%} is healthy)",
        "first weights or biases that are too large, or of the wrong sign",
        remedies(case),
        numbers=numbers,
    )


def remedies(case: Case) -> tuple[Words, ...]:
    """Return an init for the activation, and an activation that cannot die."""
    first = filled(case, fitting(case))
    able = case.setting("model.activation") == "relu"
    again = [] if first[0] == f"init={','.join(chosen(case, 'init'))}" else [first]
    return (*again, *([("model.activation=leaky_relu",)] if able else []))
