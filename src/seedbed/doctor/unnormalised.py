"""Inputs of a size or offset that no initialisation was made for."""

from seedbed.doctor._before import class_of, facts_of, passed
from seedbed.doctor._case import Case, Finding, Words

# Inits keep signals near 1 for inputs near 1: up to about an order of magnitude off, training
# adapts; beyond, first steps saturate units or barely move.
LARGE = 20.0  # of one number in a thousand
SPREAD = (0.01, 5.0)  # healthy standard deviations; unit-length rows of 3,072 numbers have .018
OFFSET = 3.0  # standard deviations: the mean input then outweighs what differs between examples
HOPELESS = 5.0  # times beyond a limit


def unnormalised(case: Case) -> Finding:
    """Judge the range of what the net sees, after scaling.

    Facts: `seen`, of the training inputs after scaling: `std`, `mean`, `large` (the size that one
    number in a thousand exceeds) and `most` (the largest size).
    """
    found = facts_of(case, "unnormalised", "seen")
    if isinstance(found, Finding):
        return found
    seen = found["seen"]
    mean, std, large = seen["mean"], seen["std"], seen["large"]
    says = f"what the net sees: mean {mean:.3g}, std {std:.3g}, 99.9 % within ±{large:.3g}"
    if std == 0:
        return Finding("unnormalised", "unknown", "all inputs are one constant")
    low, high = SPREAD
    over = {
        f"sizes up to {LARGE:g} are healthy": large / LARGE,
        f"a std from {low:g} to {high:g} is healthy": max(std / high, low / std),
        f"a mean within {OFFSET:g} std of 0 is healthy": abs(mean) / (OFFSET * std),
    }
    worst = max(over, key=lambda why: over[why])
    numbers = {"mean": mean, "std": std, "large": large, "most": seen.get("most", large)}
    if over[worst] <= 1:
        return passed("unnormalised", says, numbers)
    return Finding(
        "unnormalised",
        "fail" if over[worst] > HOPELESS else "warn",
        f"{says}; {worst}",
        "inputs are not scaled" if not class_of(case, "scaling") else "outliers, or a wrong unit",
        remedies(case),
        numbers=numbers,
    )


def remedies(case: Case) -> tuple[Words, ...]:
    """Return the scaling that there is not yet."""
    known = {"Standard": "standard", "MinMax": "minmax"}
    now = known.get(class_of(case, "scaling"))
    return tuple((f"scaling={name}",) for name in known.values() if name != now)
