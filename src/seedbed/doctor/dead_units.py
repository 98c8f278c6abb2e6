"""Units that say the same to every example: dead or saturated ones."""

import numpy as np

from seedbed.doctor._before import chosen, facts_of, filled, fitting, listed, measured, passed
from seedbed.doctor._case import Case, Curve, Finding, Words
from seedbed.doctor._loss import curve, reference, train, unknown
from seedbed.doctor._remedy import rate, setting
from seedbed.doctor._statistics import recent

DEAD = 0.5  # share of a layer's units that are 0 on all examples; healthy nets: up to .36
AWAKE = 0.3  # share of saturated outputs at the start, below which the init was not at fault
FITTED = 0.05  # of the loss of guessing: a net that gets there has units enough
FIRST_DEAD = 0.5  # of a layer's units; healthy inits have up to .36
SATURATED = 0.5  # of a layer's outputs, at the flat ends of tanh or sigmoid; healthy up to .3
ALL = 0.95


def dead_units(case: Case) -> Finding:
    """Find layers of which most units say the same to every example.

    Judged by what was measured before training, or else by what training has shown.
    """
    return at_start(case) if measured(case, "dead") else while_training(case)


def while_training(case: Case) -> Finding:
    """Find layers of which most units are dead or saturated, at the start or since then.

    What was alive at the start and is dead now was killed by steps that were too large.
    """
    looks = {name: curve(case, f"doctor/{name}") for name in ("dead", "saturated")}
    looks = {name: found for name, found in looks.items() if len(found)}
    if not looks:
        return unknown("dead_units", "no activations were looked at")
    shares = {name: (float(c.values[0]), now(c)) for name, c in looks.items()}
    numbers = {
        f"{name}_{when}": share
        for name, both in shares.items()
        for when, share in zip(("first", "now"), both, strict=True)
    }
    name, (first, last) = max(shares.items(), key=lambda each: each[1][1])
    if last <= DEAD:
        says = f"at most {last:.0%} of a layer's units are {name}"
        return Finding("dead_units", "pass", says, numbers=numbers)
    losses = train(case).values
    fitted = len(losses) > 0 and recent(losses) < FITTED * reference(case)[0]
    killed = first <= (DEAD if name == "dead" else AWAKE)
    says = f"{last:.0%} of a layer's units are {name}, {first:.0%} at the start"
    return Finding(
        "dead_units",
        "info" if fitted else "warn",
        says,
        "killed by steps that were too large" if killed else "first weights or inputs too large",
        (*rate(case, 0.1), *rate(case, 0.01)) if killed else anew(case),
        (float(looks[name].steps[0]), float(looks[name].steps[-1])),
        numbers,
    )


def now(found: Curve) -> float:
    """Return the share of late, without the first look: a single one may be of one kind."""
    later = found.values[1:] if len(found) > 1 else found.values
    return float(np.median(later[-3:]))


def anew(case: Case) -> tuple[tuple[str, ...], ...]:
    """Return first weights that keep units alive, and what brings them back."""
    if not case.config:
        return ()
    norm = setting(case, "model.norm", "batch") if case.setting("model.norm") == "none" else ()
    wide = (("scaling=standard", "init=he"),) if not case.setting("scaling") else ()
    return (*wide, ("init=he",), *norm)


def at_start(case: Case) -> Finding:
    """Judge the units of every activation on training examples.

    Facts: `dead`, by layer the share of its units that are 0, or at a flat end, for all examples;
    `saturated`, by layer the share of its outputs within 1 % of a flat end.
    """
    found = facts_of(case, "dead_units", "dead")
    if isinstance(found, Finding):
        return found
    dead = {str(k): float(v) for k, v in found["dead"].items()}
    flat = {str(k): float(v) for k, v in (case.facts.get("saturated") or {}).items()}
    if not dead and not flat:
        return passed("dead_units", "no activations: nothing can die")
    most, wide = max(dead.values(), default=0.0), max(flat.values(), default=0.0)
    numbers = {"dead": most, "saturated": wide}
    ill = [name for name, share in dead.items() if share > FIRST_DEAD]
    stuck = [name for name, share in flat.items() if share > SATURATED]
    if not ill and not stuck:
        says = f"at most {most:.0%} of a layer's units are dead, {wide:.0%} of outputs saturated"
        return passed("dead_units", says, numbers)
    says = (
        f"{most:.0%} of the units of {listed(ill)} are dead: closed for every example"
        if ill
        else f"{wide:.0%} of the outputs of {listed(stuck)} are at a flat end"
    )
    return Finding(
        "dead_units",
        "fail" if max(most, wide) > ALL else "warn",
        f"{says} (up to {FIRST_DEAD:.0%} is healthy)",
        "first weights or biases that are too large, or of the wrong sign",
        first_remedies(case),
        numbers=numbers,
    )


def first_remedies(case: Case) -> tuple[Words, ...]:
    """Return an init for the activation, and an activation that cannot die."""
    first = filled(case, fitting(case))
    able = case.setting("model.activation") == "relu"
    again = [] if first[0] == f"init={','.join(chosen(case, 'init'))}" else [first]
    return (*again, *([("model.activation=leaky_relu",)] if able else []))
