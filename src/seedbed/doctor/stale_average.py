"""Averaged weights that are still the first ones: what is validated has hardly trained.

Formula: the first weights' share of the average after n updates is dⁿ.
"""

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import made, unknown
from seedbed.doctor._remedy import is_number, number

SHARE = 0.1  # of the first weights in the last average, which is more than a trace


def stale_average(case: Case) -> Finding:
    """Find a moving average whose memory is longer than the training."""
    decay = case.setting("callback.ema.decay")
    updates = float(case.facts.get("total") or made(case))
    if not case.config:
        return unknown("stale_average", "the settings are not known")
    if not is_number(decay) or case.setting("callback.ema.warmup"):
        return Finding("stale_average", "pass", "no average that could keep the first weights")
    if not updates:
        return unknown("stale_average", "the length of the training is not known")
    share = decay**updates
    says = f"after {updates:.0f} updates the averaged weights are {share:.0%} the first ones"
    numbers = {"share": share, "updates": updates}
    if share <= SHARE:
        return Finding("stale_average", "pass", says, numbers=numbers)
    shorter = f"callback.ema.decay={number(1 - 10 / updates)}"
    return Finding(
        "stale_average",
        "warn",
        f"{says}: validation and test see those",
        f"an average with a memory of {1 / (1 - decay):,.0f} updates",
        (("callback.ema.warmup=true",), (shorter,)) if updates > 10 else (("~callback.ema",),),
        numbers=numbers,
    )
