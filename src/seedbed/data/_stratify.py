"""Random shares of the examples, in the very draws of scikit-learn's `train_test_split`.

Here because importing that function brings pandas and pyarrow along: 80 MB and half a second of
every start, for forty lines.  What was split by it is split the same.
"""

import math

import numpy as np


def parted(
    size: int, share: float, seed: int, classes: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the rest and of a random `share`, both int64 and shuffled.

    Args:
        size: number N of examples.
        share: in (0, 1), rounded up to whole examples.
        seed: of the draw.
        classes: `(N,)` whole numbers that are shared out evenly; None: all examples are alike.

    Raises:
        ValueError: one of the two would be empty, or lack a class.
    """
    draw = np.random.RandomState(seed)
    count = math.ceil(share * size)
    if not 0 < count < size:
        raise ValueError("one part would be empty")
    if classes is None:
        order = draw.permutation(size)
        return order[count:], order[:count]
    _, label, held = np.unique(classes, return_inverse=True, return_counts=True)
    if held.min() < 2 or min(count, size - count) < len(held):
        raise ValueError("a part would lack a class")
    kept = allotted(held, size - count, draw)
    taken = allotted(held - kept, count, draw)
    rest, part = [], []
    for k, (first, second) in enumerate(zip(kept, taken, strict=True)):
        order = np.flatnonzero(label == k)[draw.permutation(held[k])]
        rest.append(order[:first])
        part.append(order[first : first + second])
    return draw.permutation(np.concatenate(rest)), draw.permutation(np.concatenate(part))


def allotted(held: np.ndarray, total: int, draw: np.random.RandomState) -> np.ndarray:
    """Return how many of each class make up `total`, in proportion to what is held, int64.

    What is left when these are rounded down goes to the largest remainders, ties by lot.
    """
    exact = held / held.sum() * total
    found = np.floor(exact)
    left = int(total - found.sum())
    remainder = exact - found
    for value in np.unique(remainder)[::-1]:
        if not left:
            break
        (tied,) = np.nonzero(remainder == value)
        lucky = draw.choice(tied, size=min(len(tied), left), replace=False)
        found[lucky] += 1
        left -= len(lucky)
    return found.astype(np.int64)
