"""Labels that the nearest other examples do not share."""

from typing import Any

from seedbed.doctor._before import facts_of, passed
from seedbed.doctor._case import Case, Finding

CHANCE = 3.0  # standard deviations above random labels; less is chance
ENOUGH = 100  # examples
DISOWNED = 0.15  # of the labels; overlapping classes: up to .12 of ten, .15 of four
FRIENDLESS = (
    0.55  # of the outvoted; wrong labels .7 to .94, where classes overlap so much up to .47
)
CLASSES = 4  # fewer: a wrong label has friends by chance
COMMON = 0.5  # of the examples in one class: then rare ones have no friends by nature


def label_issues(case: Case) -> Finding:
    """Judge whether labels go with inputs; single suspicious ones are only shown.

    Neighbours in raw inputs disagree with every tenth label of clean images, so a share of
    disagreement warns of nothing.  Labels that agree no more than chance do, unless a short
    training found what they hang on.  So do many labels that no neighbour shares while half of
    the neighbours are of one other class: where classes overlap, an example has friends.

    Facts: `neighbours`, of `n` training examples: the `agreement` (mean share of neighbours with
    the same label, or minus the mean squared gap of real targets), its `chance` and `spread`
    under random labels; `issues`, the indices, most suspicious first; `disagree`, the share of
    labels that their neighbours outvote, `friendless`, of those that at most one in ten shares,
    and `disowned`, of friendless ones with half of the neighbours in one other class; `counts`;
    `blind`, as in `input_blind`.
    """
    found = facts_of(case, "label_issues", "neighbours")
    if isinstance(found, Finding):
        return found
    near = found["neighbours"]
    if near["n"] < ENOUGH:
        says = f"{near['n']} examples are too few to compare neighbours, {ENOUGH} are needed"
        return Finding("label_issues", "unknown", says)
    if near["spread"] <= 0:
        return Finding("label_issues", "unknown", "every order of these targets looks the same")
    z = (near["agreement"] - near["chance"]) / near["spread"]
    numbers = {"z": z, "disagree": near["disagree"], "n": float(near["n"])}
    first = ", ".join(map(str, near.get("issues", [])[:5]))
    says = f"neighbours outvote {near['disagree']:.1%} of the labels (z = {z:.0f} above chance)"
    if case.facts.get("kind") == "value":
        says = f"targets go with those of their neighbours (z = {z:.0f} above chance)"
    if z > CHANCE and wrong(case, near):
        return Finding(
            "label_issues",
            "warn",
            f"{says}; {near['disowned']:.0%} are alone among examples of one other class; first "
            f"look at training examples {first}",
            "a part of the labels is wrong",
            numbers=numbers,
        )
    if z > CHANCE:
        more = f"; first look at training examples {first}" if first else ""
        return passed("label_issues", says + more, numbers)
    what = "targets" if case.facts.get("kind") == "value" else "labels"
    blind = case.facts.get("blind") or {}
    if blind.get("gain", 0) > 2 * blind.get("error", 0):
        says += "; a short training found what they hang on all the same"
        return Finding("label_issues", "info", says, numbers=numbers)
    return Finding(
        "label_issues",
        "warn",
        f"{says}: {what} look random",
        "labels were shuffled apart from their inputs, or hang on something that is not there",
        numbers=numbers,
    )


def wrong(case: Case, near: dict[str, Any]) -> bool:
    """Return whether so many labels are alone among others that they must be wrong."""
    counts = [n for n in case.facts.get("counts") or () if n]
    if len(counts) < CLASSES or max(counts) > COMMON * sum(counts):
        return False
    alone = near.get("friendless", 0) > FRIENDLESS * near["disagree"]
    return alone and near.get("disowned", 0) > DISOWNED
