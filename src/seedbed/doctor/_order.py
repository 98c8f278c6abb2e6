"""All judgements before training, and which of them explain others."""

from collections.abc import Callable

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._masks import Masks, masked
from seedbed.doctor._remedy import untried
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
from seedbed.doctor.stale_average import stale_average
from seedbed.doctor.symmetry import symmetry
from seedbed.doctor.unnormalised import unnormalised
from seedbed.doctor.unshuffled import unshuffled
from seedbed.doctor.vanishing_gradients import vanishing_gradients

BEFORE: tuple[Callable[[Case], Finding], ...] = (  # the pipeline first, then the net, then trials
    *(non_finite_input, unnormalised, constant_features, split_mismatch, leakage, unshuffled),
    *(imbalance, label_issues, bad_init, softmax_twice, symmetry, dead_units),
    *(frozen, vanishing_gradients, input_blind, memorise, rate_range, memory),
    stale_average,
)

TRIALS = ("memorise", "input_blind", "rate_range")  # whatever is wrong, these show it
FLOW = ("dead_units", "vanishing_gradients", "frozen")
MASKS: Masks = {
    "non_finite_input": ("unnormalised", "split_mismatch", "bad_init", *FLOW, *TRIALS),
    "unnormalised": ("bad_init", *FLOW, *TRIALS),
    "constant_features": (*FLOW, *TRIALS, "label_issues", "leakage"),
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
    return [untried(case, each) for each in masked([judge(case) for judge in BEFORE], MASKS)]
