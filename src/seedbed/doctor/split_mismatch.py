"""Training and validation examples that were made differently."""

from math import sqrt

from seedbed.doctor._before import facts_of, passed
from seedbed.doctor._case import Case, Finding

GAP = 0.5  # standard deviations between the means
RATIO = 2.0  # between the standard deviations, either way
FEATURE_GAP, FEATURES = 0.5, 0.1  # a gap of single features, and the share of them that has it
SINGLE = 3.0  # standard deviations: one column alone is in another unit
LABELS = 0.25  # of the examples would have to change class to make the shares alike


def split_mismatch(case: Case) -> Finding:
    """Judge whether validation looks like training.

    Facts: `split`, of what the net sees: `gap` (means, in standard deviations of training),
    `ratio` (std of validation over that of training), `features_apart` (share of the varying
    features whose means differ by more than .5 σ, beyond chance), `worst` (the largest such
    gap), `n` (validation examples); `label_gap`, the total variation between the shares of the
    classes, and `classes`.
    """
    found = facts_of(case, "split_mismatch", "split")
    if isinstance(found, Finding):
        return found
    split = found["split"]
    gap, ratio, apart, worst = (split[k] for k in ("gap", "ratio", "features_apart", "worst"))
    labels = case.facts.get("label_gap")
    # n draws from C classes differ by about √(C / n) / 2 of their own accord
    free = LABELS + sqrt((case.facts.get("classes") or 1) / max(1, split["n"])) / 2
    wrong = [
        says
        for ill, says in (
            (gap > GAP, f"the means differ by {gap:.2g} std (up to {GAP:g} is healthy)"),
            (
                not 1 / RATIO <= ratio <= RATIO,
                f"validation's std is {ratio:.2g} of training's "
                f"({1 / RATIO:g} to {RATIO:g} is healthy)",
            ),
            (
                apart > FEATURES,
                f"{apart:.0%} of the features differ by more than {FEATURE_GAP:g} σ",
            ),
            (worst > SINGLE, f"one feature's means differ by {worst:.2g} σ"),
            (
                labels is not None and labels > free,
                f"{labels or 0:.0%} of the labels lie in other classes",
            ),
        )
        if ill
    ]
    numbers = {"gap": gap, "ratio": ratio, "features_apart": apart, "worst": worst}
    numbers |= {} if labels is None else {"label_gap": labels}
    if not wrong:
        says = f"training and validation: means {gap:.2g} std apart, ratio of std {ratio:.2g}"
        return passed("split_mismatch", says, numbers)
    return Finding(
        "split_mismatch",
        "warn",
        "; ".join(wrong),
        "the splits come from different places, or are prepared differently",
        numbers=numbers,
    )
