"""Examples that are in two splits: what is measured is memory, not learning."""

from seedbed.doctor._before import facts_of, passed
from seedbed.doctor._case import Case, Finding

SHARE = 0.005  # of the smaller split: real collections hold a few copies
FEW = 2  # examples: one pair may be chance
NATURAL = 0.5  # rows of a small table repeat; then they do so within training as well


def leakage(case: Case) -> Finding:
    """Judge whether examples of validation or test are among those of another split.

    Facts: `across`, by pair of splits (`train-val`) the examples of the second that are in the
    first, byte for byte; `within`, by split the examples that are there more than once;
    `looked_at_whole`, the sizes of the splits; `copies`, in words which they are; `table`,
    whether an input is a row of a table; `agree`, the share of those across splits whose
    targets are the same.
    """
    found = facts_of(case, "leakage", "across", "within", "looked_at_whole")
    if isinstance(found, Finding):
        return found
    sizes, across = found["looked_at_whole"], found["across"]
    shares = {pair: n / max(1, sizes[pair.partition("-")[2]]) for pair, n in across.items()}
    numbers = {f"across {pair}": float(n) for pair, n in across.items()}
    numbers |= {f"within {split}": float(n) for split, n in found["within"].items()}
    own = found["within"].get("train", 0)
    repeated = own / max(1, sizes.get("train", 1))
    if not any(across.values()):
        more = f"; {own:,} in training are there more than once" if own else ""
        return passed("leakage", f"no example is in two splits{more}", numbers)
    worst = max(shares, key=lambda pair: shares[pair])
    first, second = worst.split("-")
    says = f"{across[worst]:,} examples of {second} ({shares[worst]:.1%}) are in {first}, too"
    if case.facts.get("copies"):
        says += f" ({case.facts['copies']})"
    small = shares[worst] <= SHARE or across[worst] < FEW
    natural = case.facts.get("table") and repeated > NATURAL * shares[worst]
    if small or natural:
        more = f"; so are {repeated:.1%} within training: rows repeat" if natural else ""
        return Finding("leakage", "info", says + more, numbers=numbers)
    return Finding(
        "leakage",
        "fail",
        f"{says}; up to {SHARE:.1%} is usual",
        "copies, or views of one thing, were made before splitting: split by group",
        numbers=numbers,
    )
