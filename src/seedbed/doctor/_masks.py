"""Which symptom explains which others, so that one cause is told once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seedbed.doctor._case import Finding

Masks = Mapping[str, tuple[str, ...]]
"""Causes, the deepest first, and what follows from them."""

FOLLOWS = "follows from"
HIDES: Masks = {
    "nan": (
        *("divergence", "exploding_gradients", "vanishing_gradients", "dead_units", "bad_init"),
        *("not_learning", "slow", "oscillation", "overfitting", "underfitting", "label_noise"),
        *("over_regularised", "decayed_too_early", "frozen", "still_improving"),
    ),
    "divergence": (
        *("exploding_gradients", "not_learning", "oscillation", "overfitting", "underfitting"),
        *("label_noise", "dead_units", "bad_init"),
    ),
    "stale_average": (
        *("not_learning", "slow", "oscillation", "overfitting", "underfitting", "label_noise"),
        "still_improving",
    ),
    "unshuffled": ("oscillation", "not_learning", "overfitting", "label_noise", "divergence"),
    "frozen": (
        *("vanishing_gradients", "not_learning", "slow", "underfitting", "decayed_too_early"),
        "still_improving",
    ),
    "over_regularised": (
        *("bad_init", "dead_units", "vanishing_gradients", "not_learning", "underfitting", "slow"),
    ),
    "dead_units": (
        *("frozen", "vanishing_gradients", "not_learning", "slow", "underfitting", "oscillation"),
        *("decayed_too_early", "still_improving"),
    ),
    "vanishing_gradients": ("not_learning", "slow", "underfitting", "still_improving"),
    "exploding_gradients": ("oscillation", "not_learning", "bad_init"),
    "decayed_too_early": ("slow", "not_learning", "underfitting", "still_improving"),
    "slow": ("not_learning", "still_improving", "underfitting"),
    "not_learning": ("underfitting", "still_improving", "oscillation"),
    "oscillation": ("underfitting", "still_improving"),
    "label_noise": ("overfitting",),
    "overfitting": ("underfitting",),
}


def masked(findings: Sequence[Finding], masks: Masks = HIDES) -> list[Finding]:
    """Return findings in which what follows from an ill one is only told.

    A symptom that is hidden itself still hides others: its cause is theirs.
    """
    ill = {found.symptom for found in findings if found.ill}
    causes: dict[str, str] = {}
    for root in (name for name in masks if name in ill):
        cause = causes.get(root, root)
        for later in masks[root]:
            if later != cause:
                causes.setdefault(later, cause)
    return [
        told(found, causes[found.symptom])
        if found.symptom in causes and found.level in ("info", "warn", "fail")
        else found
        for found in findings
    ]


def told(found: Finding, cause: str) -> Finding:
    """Return a finding as a consequence, which needs no remedy of its own."""
    return replace(found, level="info", cause=f"{FOLLOWS} {cause}", remedies=())


def consequence(cause: str) -> bool:
    """Return whether the cause of a finding is another finding."""
    return cause.startswith(FOLLOWS)
