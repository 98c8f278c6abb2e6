"""Weights that no update moves."""

import math

import numpy as np

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import curve, unknown
from seedbed.doctor._remedy import rate

LOOKS = 3


def frozen(case: Case) -> Finding:
    """Find layers that stay as they were in every update that was looked at.

    Single updates do not count: a schedule may start or end at a rate of 0.

    Facts:
        still: names of the layers that have not moved in any of them.
    """
    share, moves = curve(case, "doctor/frozen"), curve(case, "doctor/update")
    seen = share if len(share) else moves
    if len(seen) < LOOKS:
        return unknown("frozen", "too few updates were looked at")
    least = float(share.values.min()) if len(share) else float(not moves.values.any())
    numbers = {"share": least}
    if least == 0:
        u = float(np.median(moves.values)) if len(moves) else math.nan
        says = f"all layers move, by {u:.1e} of their length an update"
        return Finding("frozen", "pass", says, numbers=numbers)
    names = case.facts.get("still") or ()
    which = f": {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}" if names else ""
    says = f"{least:.0%} of the weights have not moved in {len(seen)} updates{which}"
    meant = case.setting("callback.finetune") and case.setting("init.pretrained")
    lr = case.setting("optimizer.lr")
    return Finding(
        "frozen",
        "info" if meant and least < 1 else "warn",
        says,
        "as callback=finetune asks" if meant else "a rate of 0, or layers that are not trained",
        remedies(case, least, lr),
        (float(seen.steps[0]), float(seen.steps[-1])),
        numbers,
    )


def remedies(case: Case, share: float, lr: object) -> tuple[tuple[str, ...], ...]:
    """Return what lets all layers learn."""
    if not case.config:
        return ()
    tuned = (("~callback.finetune",),) if case.setting("callback.finetune") else ()
    plain = (("param_groups=none",),) if case.setting("param_groups") else ()
    zero = (("optimizer.lr=0.001",),) if lr == 0 else ()
    return (*zero, *tuned, *plain, *(rate(case, 1000) if share == 1 and not zero else ()))
