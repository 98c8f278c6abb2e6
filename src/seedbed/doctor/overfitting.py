"""A validation loss that rises, or stays far above, while the training loss falls."""

import numpy as np

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._loss import SURE, accuracy, epochs, falls, reference, train, unknown
from seedbed.doctor._remedy import added, batch, scaled, setting
from seedbed.doctor._statistics import ema, mann_kendall, recent

ROSE = 0.1  # of the lowest smoothed validation loss
HARM = 0.5  # rise that harms whatever the accuracy says: the answers are overconfident
LEAST = 0.05  # of the loss of guessing, a rise that matters
FELL = 0.02  # accuracy lost that is more than chance in a few hundred examples
LOST = 0.005  # accuracy lost since its best
TREND = 0.4  # τ since the lowest
PATIENCE, SHARE = 3, 0.15  # validations since the lowest: so many, or that share of all
GAP = 0.2  # of the loss of guessing between training and validation
FITTED = 0.1  # of the loss of guessing: the training examples are known by heart


def overfitting(case: Case) -> Finding:
    """Find a validation loss that rises for good, or that stays far above a fitted training loss.

    A loss that rises while accuracy holds is only told: the answers are right and too certain.
    """
    val, learned = epochs(case, "val"), train(case)
    if len(val) < PATIENCE + 2 or not len(learned):
        missing = "no validation loss" if not len(val) else f"{len(val)} validations; 5 are needed"
        return unknown("overfitting", missing)
    smooth = ema(val.values, 3)  # weights of a half, a quarter, ...
    at = int(np.argmin(smooth))
    rise = float(smooth[-1] / smooth[at] - 1) if smooth[at] > 0 else 0.0
    tau, p = mann_kendall(val.values[at:])
    gap = recent(val.values) - recent(learned.values)
    numbers = {"rise": rise, "tau": tau, "p": p, "gap": gap, "lowest": float(smooth[at])}
    patient = len(val) - 1 - at >= max(PATIENCE, SHARE * len(val))
    rises = rise > ROSE and patient and tau > TREND and p < SURE and gap > 0
    lost = lost_accuracy(case)
    numbers |= {} if lost is None else {"lost": lost}
    if rises:
        much = not smooth[-1] - smooth[at] <= LEAST * reference(case)[0]  # or it is not known
        fell = 0.0 if lost is None else lost
        harm = fell >= FELL or (much and (rise > HARM or fell >= LOST))
        known = "" if lost is None else f", accuracy {lost:.1%} below its best"
        says = f"the validation loss rose by {rise:.0%} since step {val.steps[at]:.0f}{known}"
        return found("warn" if harm else "info", says, case, val, at, numbers)
    base = reference(case)[0]
    now = recent(learned.values)
    if now < FITTED * base and gap > GAP * base and not falls(val)[0]:
        says = (
            f"validation loss {recent(val.values):.3g} against {now:.3g} in "
            "training, and no longer falling"
        )
        return found("warn", says, case, val, len(val) // 2, numbers)
    says = f"validation loss {recent(val.values):.3g}, at best {smooth[at]:.3g}"
    return Finding("overfitting", "pass", says, numbers=numbers)


def lost_accuracy(case: Case) -> float | None:
    """Return how far smoothed validation accuracy is below its best, None if it is not known."""
    values = accuracy(case, "val").values
    if len(values) < 2:
        return None
    smooth = ema(values, 3)
    return float(smooth.max() - smooth[-1])


def found(level: str, says: str, case: Case, val: Curve, at: int, numbers: dict) -> Finding:
    """Return the finding with its span: from the lowest validation loss to the end."""
    return Finding(
        "overfitting",
        "warn" if level == "warn" else "info",
        says,
        "more freedom than the examples can bind",
        remedies(case),
        (float(val.steps[at]), float(val.steps[-1])),
        numbers,
    )


def remedies(case: Case) -> tuple[tuple[str, ...], ...]:
    """Return what binds a model: more data, other views of it, noise, penalties, an end."""
    if not case.config:
        return ()
    fraction = case.setting("data.fraction")
    more = (("data.fraction=1",),) if isinstance(fraction, float) and fraction < 1 else ()
    images = str(case.setting("model._target_")).endswith(("CNN", "ResNet", "Inception"))
    views = added(case, "augment", "basic") if images else ()
    drop = (("model.dropout=0.5",),) if case.setting("model.dropout") in (0, 0.0, 0.1, 0.2) else ()
    decay = added(case, "regularizer", "weight_decay", "coef=0.05")
    if case.setting("optimizer.weight_decay"):
        decay = scaled(case, "optimizer.weight_decay", 10)
    norm = setting(case, "model.norm", "batch") if case.setting("model.norm") == "none" else ()
    mixed = case.setting("regularizer.mixup") or case.setting("regularizer.cutmix")
    blend = (
        () if mixed or case.facts.get("kind") == "value" else added(case, "regularizer", "mixup")
    )
    smaller = batch(case, 0.25) if (case.setting("data.batch_size") or 0) != "full" else ()
    stop = added(case, "callback", "early_stopping")
    return (*more, *views, *drop, *decay, *blend, *norm, *smaller, *stop)
