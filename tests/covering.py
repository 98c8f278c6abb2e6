"""Covering arrays: few rows in which every allowed pair of options of different groups occurs.

Source: Cohen, Dalal, Fredman & Patton 1997, "The AETG System: An Approach to Testing Based on
Combinatorial Design", section 4; deterministic here.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

Options = Mapping[str, Sequence[str]]  # by group; no option is in two groups
Pair = tuple[str, str]


class Array:
    """Rows of one option a group that cover all pairs, but for those that are refused.

    Args:
        options: of each group.
        refused: pairs that no row may hold, in either order.
    """

    def __init__(self, options: Options, refused: Sequence[Pair]) -> None:
        self.options = options
        self.against: dict[str, set[str]] = {o: set() for group in options.values() for o in group}
        for one, other in refused:
            self.against[one].add(other)
            self.against[other].add(one)

    def pairs(self) -> list[Pair]:
        """Return every allowed pair of options of different groups, as far as pairs can tell."""
        groups = combinations(self.options.values(), 2)
        every = ((a, b) for first, second in groups for a in first for b in second)
        return [(a, b) for a, b in every if b not in self.against[a]]

    def complete(self, row: Sequence[str], wanted: set[Pair]) -> list[str] | None:
        """Return `row` with an option of every group, such that many `wanted` pairs occur.

        None if every completion holds a refused pair.
        """
        free = [g for g in self.options.values() if not set(g) & set(row)]
        if not free:
            return list(row)
        open_to = [[o for o in g if not self.against[o] & set(row)] for g in free]
        if not all(open_to):
            return None
        # the group with the least choice first, so that a dead end shows early
        choices = min(open_to, key=lambda g: len(g) if len(g) < 3 else 3)
        gains = {o: sum(pair(o, other) in wanted for other in row) for o in choices}
        later = {o: sum(o in p for p in wanted) for o in choices} if wanted else gains
        for option in sorted(choices, key=lambda o: (-gains[o], -later[o], choices.index(o))):
            found = self.complete([*row, option], wanted)
            if found is not None:
                return found
        return None

    def rows(self) -> Iterator[list[str]]:
        """Yield rows until every pair that can occur has; the same ones every time."""
        missing = dict.fromkeys(self.pairs())  # an ordered set
        wanted = {pair(a, b) for a, b in missing}
        while missing:
            first = next(iter(missing))
            row = self.complete(first, wanted)
            del missing[first]
            wanted.discard(pair(*first))
            if row is None:
                continue  # a third group excludes it
            for a, b in combinations(row, 2):
                for found in ((a, b), (b, a)):
                    missing.pop(found, None)
                wanted.discard(pair(a, b))
            yield row


def pair(a: str, b: str) -> Pair:
    """Return two options in one order."""
    return (a, b) if a < b else (b, a)
