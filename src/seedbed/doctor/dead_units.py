"""Units that say the same to every example: dead or saturated ones."""

import numpy as np

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._loss import curve, reference, train, unknown
from seedbed.doctor._remedy import rate, setting
from seedbed.doctor._statistics import recent

DEAD = 0.5  # share of a layer's units that are 0 on all examples; healthy nets: up to .36
AWAKE = 0.3  # share of saturated outputs at the start, below which the init was not at fault
FITTED = 0.05  # of the loss of guessing: a net that gets there has units enough


def dead_units(case: Case) -> Finding:
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
    """Return the share of late: a single look may be a batch of one kind."""
    return float(np.median(found.values[-3:]))


def anew(case: Case) -> tuple[tuple[str, ...], ...]:
    """Return first weights that keep units alive, and what brings them back."""
    if not case.config:
        return ()
    norm = setting(case, "model.norm", "batch") if case.setting("model.norm") == "none" else ()
    wide = (("scaling=standard", "init=he"),) if not case.setting("scaling") else ()
    return (*wide, ("init=he",), *norm)
