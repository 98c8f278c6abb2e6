"""Weights that no update moves."""

import math

import numpy as np

from seedbed.doctor._before import chosen, count, facts_of, listed, measured, passed
from seedbed.doctor._case import Case, Finding, Words
from seedbed.doctor._loss import curve, unknown
from seedbed.doctor._remedy import rate

LOOKS = 3
ALL = 0.9  # of the weights
OURS = ("seedbed.", "torch.")
REASONS = {
    "requires_grad": "requires_grad is false",
    "gradient": "no gradient reaches them",
    "optimizer": "the optimizer does not hold them",
    "rate": "their rate is 0",
}


def frozen(case: Case) -> Finding:
    """Find weights that no update moves.

    Judged by what was measured before training, or else by what training has shown.
    """
    return at_start(case) if measured(case, "frozen") else while_training(case)


def while_training(case: Case) -> Finding:
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
    own = own_inits(case) if share < 1 else ()
    return (*zero, *own, *tuned, *plain, *(rate(case, 1000) if share == 1 and not zero else ()))


def at_start(case: Case) -> Finding:
    """Judge whether every weight gets a gradient and is in the optimizer.

    Facts: `parameters`, how many numbers the model has; `frozen`, by reason (`requires_grad`,
    `gradient`, `optimizer`, `rate`) the names of the parameters that are not to move, have no
    gradient or one of exactly 0 in several batches, are in no group, or have a rate of 0;
    `frozen_numbers`, how many numbers these are.
    """
    found = facts_of(case, "frozen", "parameters", "frozen", "frozen_numbers")
    if isinstance(found, Finding):
        return found
    every, still = int(found["parameters"]), int(found["frozen_numbers"])
    numbers = {"parameters": float(every), "frozen": float(still)}
    if not still:
        says = f"every one of {count(every, 'parameter')} gets a gradient"
        return passed("frozen", says, numbers)
    names = [name for group in found["frozen"].values() for name in group]
    why = ", ".join(REASONS[str(k)] for k, group in found["frozen"].items() if group)
    says = f"{still:,} of {every:,} parameters will not move: {listed(names)} ({why})"
    meant = [n for n in ("finetune",) if n in chosen(case, "callback")]
    meant += [n for n in ("pretrained",) if n in chosen(case, "init")]
    if meant:
        return Finding("frozen", "info", f"{says}; as {meant[0]} asks", numbers=numbers)
    return Finding(
        "frozen",
        "fail" if still >= ALL * every else "warn",
        says,
        "frozen on purpose somewhere, detached, or left out of the forward pass",
        first_remedies(case, found["frozen"]),
        numbers=numbers,
    )


def first_remedies(case: Case, frozen: dict[str, list[str]]) -> tuple[Words, ...]:
    """Return plain parameter groups, or no init of one's own, where these are to blame."""
    grouped = case.setting("param_groups") and (frozen.get("optimizer") or frozen.get("rate"))
    own = own_inits(case) if frozen.get("requires_grad") else ()
    return ((("param_groups=none",),) if grouped else ()) + own


def own_inits(case: Case) -> tuple[Words, ...]:
    """Return each init left out that is no option: it may switch gradients off."""
    known = case.setting("init")
    targets = {k: str(v.get("_target_")) for k, v in (known or {}).items() if v}
    return tuple((f"~init.{k}",) for k, v in targets.items() if not v.startswith(OURS))
