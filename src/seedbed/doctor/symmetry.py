"""Units that start alike and get the same gradient: they stay one unit for ever."""

from seedbed.doctor._before import facts_of, filled, fitting, listed, passed
from seedbed.doctor._case import Case, Finding

COPIES = 0.5  # of a layer's units


def symmetry(case: Case) -> Finding:
    """Judge whether the units of every layer differ.

    Facts: `twins`, by layer the share of its units whose weights, bias and gradient are those of
    an earlier unit: 0 of a healthy layer, (n-1)/n where all n are one; layers of one unit are
    not there.
    """
    found = facts_of(case, "symmetry", "twins")
    if isinstance(found, Finding):
        return found
    twins = {str(name): float(share) for name, share in found["twins"].items()}
    if not twins:
        return passed("symmetry", "no layer has several units that could be alike")
    ill = [name for name, share in twins.items() if share >= COPIES]
    most = max(twins.values())
    numbers = {"most": most, "layers": float(len(ill))}
    if not ill:
        return passed("symmetry", f"the units of all {len(twins)} layers differ", numbers)
    return Finding(
        "symmetry",
        "fail",
        f"{most:.0%} of the units of {listed(ill)} copy another one, in weights and gradient",
        "an init that gives all units the same weights, as zeros do",
        (filled(case, fitting(case)), filled(case, "orthogonal")),
        numbers=numbers,
    )
