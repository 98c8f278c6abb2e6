"""All judgements before training, and which of them explain others."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from seedbed.doctor._case import Case, Finding
from seedbed.doctor.bad_init import bad_init
from seedbed.doctor.constant_features import constant_features
from seedbed.doctor.dead_units import dead_units
from seedbed.doctor.frozen import frozen
from seedbed.doctor.imbalance import imbalance
from seedbed.doctor.input_blind import input_blind
from seedbed.doctor.label_issues import label_issues
from seedbed.doctor.leakage import leakage
from seedbed.doctor.memorise import memorise
from seedbed.doctor.memory import memory
from seedbed.doctor.non_finite_input import non_finite_input
from seedbed.doctor.rate_range import rate_range
from seedbed.doctor.softmax_twice import softmax_twice
from seedbed.doctor.split_mismatch import split_mismatch
from seedbed.doctor.symmetry import symmetry
from seedbed.doctor.unnormalised import unnormalised
from seedbed.doctor.unshuffled import unshuffled
from seedbed.doctor.vanishing_gradients import vanishing_gradients

BEFORE: tuple[Callable[[Case], Finding], ...] = (  # the pipeline first, then the net, then trials
    *(non_finite_input, unnormalised, constant_features, split_mismatch, leakage, unshuffled),
    *(imbalance, label_issues, bad_init, softmax_twice, symmetry, dead_units),
    *(frozen, vanishing_gradients, input_blind, memorise, rate_range, memory),
)

TRIALS = ("memorise", "input_blind", "rate_range")  # whatever is wrong, these show it
FLOW = ("dead_units", "vanishing_gradients", "frozen")
MASKS: dict[str, tuple[str, ...]] = {  # causes, and what follows from them
    "non_finite_input": ("unnormalised", "split_mismatch", "bad_init", *FLOW, *TRIALS),
    "unnormalised": ("bad_init", *FLOW, *TRIALS),
    "constant_features": (*FLOW, *TRIALS, "label_issues"),
    "split_mismatch": ("input_blind",),
    "unshuffled": ("input_blind", "rate_range"),
    "label_issues": ("input_blind",),
    "softmax_twice": ("bad_init", *FLOW, *TRIALS),
    "symmetry": (*FLOW, *TRIALS),
    "dead_units": ("frozen", "vanishing_gradients", *TRIALS),
    "frozen": ("vanishing_gradients", *TRIALS),
    "vanishing_gradients": ("frozen", *TRIALS),
    "bad_init": ("dead_units", *TRIALS),
    "rate_range": ("input_blind", "memorise"),
    "memorise": ("input_blind",),
}


def before(case: Case) -> list[Finding]:
    """Return what every judgement before training makes of a case; a cause mutes what follows."""
    return masked([judge(case) for judge in BEFORE])


def masked(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings; an illness that follows from another one is for information only."""
    ill = {finding.symptom for finding in findings if finding.ill}
    roots: dict[str, str] = {}
    for cause, consequences in MASKS.items():
        if cause in ill and cause not in roots:
            roots |= {each: cause for each in consequences if each in ill and each not in roots}
    return [
        replace(
            each,
            level="info",
            says=f"{each.says}; follows from {roots[each.symptom]}",
            remedies=(),
        )
        if each.symptom in roots
        else each
        for each in findings
    ]
