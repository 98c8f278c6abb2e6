"""Inputs that are NaN or infinite: the first forward pass makes everything NaN."""

from seedbed.doctor._before import count, facts_of, passed
from seedbed.doctor._case import Case, Finding


def non_finite_input(case: Case) -> Finding:
    """Judge whether every number of the inputs is finite.

    Facts: `non_finite`, by split the examples with a number that is not; `looked_at`, by split
    the examples that were looked at; `non_finite_at`, the first of them in words.
    """
    found = facts_of(case, "non_finite_input", "non_finite", "looked_at")
    if isinstance(found, Finding):
        return found
    looked, bad = sum(found["looked_at"].values()), sum(found["non_finite"].values())
    numbers = {"examples": float(looked), "bad": float(bad)}
    if not bad:
        return passed("non_finite_input", f"{count(looked, 'example')} are finite", numbers)
    where = ", ".join(f"{n} in {split}" for split, n in found["non_finite"].items() if n)
    first = case.facts.get("non_finite_at", "")
    return Finding(
        "non_finite_input",
        "fail",
        f"{bad:,} of {count(looked, 'example')} hold NaN or infinite numbers ({where})"
        + (f"; the first is {first}" if first else ""),
        "missing values, or a division by zero when the data was made",
        numbers=numbers,
    )
