"""Batches that hold few kinds of targets, because the examples come in an order."""

from seedbed.doctor._before import facts_of, passed
from seedbed.doctor._case import Case, Finding

UNLIKELY = -6.0  # standard deviations below chance; shuffled loaders stay above -3
LOST = 0.1  # of the entropy: in a long training tiny defects are significant, too


def unshuffled(case: Case) -> Finding:
    """Judge the mix of targets in the first batches against that of random batches.

    Facts: `order`, the `entropy` of the labels of a batch in nats (real targets in tenths), its
    mean over the first batches, the `chance` and `spread` of that mean over random orders, and
    the number of `batches`; a string says why order means nothing here.
    """
    found = facts_of(case, "unshuffled", "order")
    if isinstance(found, Finding):
        return found
    order = found["order"]
    if isinstance(order, str):
        return passed("unshuffled", order)
    entropy, chance, spread = order["entropy"], order["chance"], order["spread"]
    if chance <= 0 or spread <= 0:
        return Finding("unshuffled", "unknown", "every order of these targets looks the same")
    z = (entropy - chance) / spread
    says = (
        f"the first {order['batches']} batches mix {entropy:.2f} nats of labels, random ones "
        f"{chance:.2f} (z = {z:.1f})"
    )
    numbers = {"entropy": entropy, "chance": chance, "z": z}
    if z >= UNLIKELY or entropy > (1 - LOST) * chance:
        return passed("unshuffled", says, numbers)
    return Finding(
        "unshuffled",
        "fail",
        says,
        "the training batches are not shuffled: each pulls towards the classes it holds",
        numbers=numbers,
    )
