"""What ails a training, while it runs and afterwards, and what to try: it never changes one."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from seedbed.doctor._case import Case, Curve, Finding, Level, Words
from seedbed.doctor._masks import masked
from seedbed.doctor._remedy import untried
from seedbed.doctor._words import merged
from seedbed.doctor.bad_init import bad_init
from seedbed.doctor.dead_units import dead_units
from seedbed.doctor.decayed_too_early import decayed_too_early
from seedbed.doctor.divergence import divergence
from seedbed.doctor.exploding_gradients import exploding_gradients
from seedbed.doctor.frozen import frozen
from seedbed.doctor.label_noise import label_noise
from seedbed.doctor.nan import nan
from seedbed.doctor.not_learning import not_learning
from seedbed.doctor.oscillation import oscillation
from seedbed.doctor.over_regularised import over_regularised
from seedbed.doctor.overfitting import overfitting
from seedbed.doctor.slow import slow
from seedbed.doctor.stale_average import stale_average
from seedbed.doctor.still_improving import still_improving
from seedbed.doctor.underfitting import underfitting
from seedbed.doctor.unshuffled import unshuffled
from seedbed.doctor.vanishing_gradients import vanishing_gradients

__all__ = ["Case", "Curve", "Finding", "Words", "examine", "healthy", "merged"]

Symptom = Callable[[Case], Finding]
SYMPTOMS: tuple[Symptom, ...] = (  # causes before their consequences
    *(
        nan,
        divergence,
        stale_average,
        unshuffled,
        frozen,
        dead_units,
        vanishing_gradients,
        exploding_gradients,
    ),
    *(bad_init, over_regularised, decayed_too_early, slow, not_learning, oscillation, label_noise),
    *(overfitting, underfitting, still_improving),
)
NAMES = tuple(symptom.__name__ for symptom in SYMPTOMS)
ORDER: tuple[Level, ...] = ("fail", "warn", "info", "pass", "unknown")
TELLING = ("not_learning", "overfitting", "oscillation", "dead_units", "nan")


def examine(case: Case, disabled: Iterable[str] = ()) -> list[Finding]:
    """Return what every symptom makes of a case, the worst first, consequences only told.

    Args:
        case: what is known; anything may be missing.
        disabled: symptoms that are not to be looked for.
    """
    off = set(disabled)
    with np.errstate(all="ignore"):
        findings = [symptom(case) for symptom in SYMPTOMS if symptom.__name__ not in off]
    findings = [untried(case, found) for found in masked(findings)]
    return sorted(findings, key=lambda found: ORDER.index(found.level))


def unknown(findings: Sequence[Finding]) -> list[Finding]:
    """Return what could not be judged."""
    return [found for found in findings if found.level == "unknown"]


def healthy(findings: Sequence[Finding]) -> str:
    """Return why nothing is ill, or that too little is known; nothing where something is ill."""
    if any(found.ill for found in findings):
        return ""
    passed = {found.symptom: found.says for found in findings if found.level == "pass"}
    reasons = [passed[name] for name in TELLING if name in passed]
    if "not_learning" not in passed and "overfitting" not in passed:
        return "too little is known to call it healthy"
    if any(found.symptom == "underfitting" for found in unknown(findings)):
        return f"nothing ill is seen, but the training is short: {'; '.join(reasons)}"
    return f"healthy, because {'; '.join(reasons)}"
