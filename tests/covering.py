"""Covering arrays: few rows in which every allowed pair of options of different groups occurs.

Source: Cohen, Dalal, Fredman & Patton 1997, "The AETG System: An Approach to Testing Based on
Combinatorial Design", section 4; deterministic here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain, combinations

Options = Mapping[str, Sequence[str]]  # by group; no option is in two groups
Pair = tuple[str, str]
NONE: Mapping[str, int] = {}


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

    def complete(
        self,
        row: Sequence[str],
        wanted: Set[Pair] = frozenset(),
        open_for: Mapping[str, int] = NONE,
    ) -> list[str] | None:
        """Return `row` with an option of every group, or None if all ways hold a refused pair.

        Args:
            row: options that are chosen.
            wanted: pairs that count for an option, in order.
            open_for: how many of them each option is in.
        """
        free = [g for g in self.options.values() if not set(g) & set(row)]
        if not free:
            return list(row)
        allowed = [[o for o in g if not self.against[o] & set(row)] for g in free]
        choices = min(allowed, key=lambda g: min(len(g), 3))  # where dead ends show early
        gains = {o: sum(pair(o, other) in wanted for other in row) for o in choices}
        for option in sorted(choices, key=lambda o: (-gains[o], -open_for.get(o, 0))):
            found = self.complete([*row, option], wanted, open_for)
            if found is not None:
                return found
        return None

    def rows(self) -> Iterator[list[str]]:
        """Yield rows until every pair that can occur has; the same ones every time."""
        missing = dict.fromkeys(self.pairs())  # an ordered set
        wanted = {pair(a, b) for a, b in missing}
        while missing:
            first = next(iter(missing))
            row = self.complete(first, wanted, Counter(chain.from_iterable(wanted)))
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
