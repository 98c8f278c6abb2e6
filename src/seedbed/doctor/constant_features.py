"""Features that are the same in every training example: nothing can be learned from them."""

from seedbed.doctor._before import count, facts_of, passed
from seedbed.doctor._case import Case, Finding

MOST = 0.5  # of the features: images have dark borders, half of a picture rarely
NEARLY_ALL = 0.9  # of them: no picture is that empty, something cut or overwrote it


def constant_features(case: Case) -> Finding:
    """Judge how many features vary.

    Facts: `features`, how many there are; `constant`, how many do not vary in training;
    `woken`, how many of these vary in validation.
    """
    found = facts_of(case, "constant_features", "features", "constant")
    if isinstance(found, Finding):
        return found
    all_of_them, still = int(found["features"]), int(found["constant"])
    woken = int(case.facts.get("woken") or 0)
    numbers = {"features": float(all_of_them), "constant": float(still), "woken": float(woken)}
    says = f"{still:,} of {count(all_of_them, 'feature')} never vary in training"
    if still == all_of_them:
        return Finding(
            "constant_features",
            "fail",
            f"none of {count(all_of_them, 'feature')} varies in training: all examples are alike",
            "the inputs were overwritten, or cut away by scaling",
            numbers=numbers,
        )
    more = f", {woken:,} of them do in validation" if woken else ""
    if still > NEARLY_ALL * all_of_them:
        cause = "inputs that were overwritten, or cut away by scaling"
        return Finding("constant_features", "warn", says + more, cause, numbers=numbers)
    if still > MOST * all_of_them:
        return Finding("constant_features", "info", says + more, numbers=numbers)
    return passed("constant_features", says + more if still else "every feature varies", numbers)
