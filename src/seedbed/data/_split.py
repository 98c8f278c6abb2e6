"""Which examples go into which split: stratified by class, and groups kept together."""

import numpy as np
import torch
from torch import Tensor

from seedbed.data._stratify import parted

DRAWS, WORK = 200, 20_000_000  # random orders of groups tried, and the most numbers that costs


def split(
    y: Tensor,
    share: float,
    seed: int,
    *,
    groups: Tensor | None = None,
    names: tuple[str, ...] = (),
) -> tuple[Tensor, Tensor]:
    """Return the indices of the rest and of a random `share`, both int64.

    Args:
        y: targets `(N,)` int64, whose classes are shared out evenly, or `(N, K)` values.
        share: of the examples in the second part, in (0, 1).
        seed: of the draw.
        groups: `(N,)` int64; examples of one group land in one part.  The shares are then as near
            to the asked ones as the groups allow.
        names: of the classes, for messages.

    Raises:
        ValueError: one of the two would be empty, or a class or the groups are too few.
    """
    classes = y if y.dtype == torch.int64 else None
    if groups is not None:
        return by_group(groups, classes, share, seed)
    by_class = None if classes is None else classes.numpy()
    try:
        rest, part = parted(len(y), share, seed, by_class)
    except ValueError as error:
        of = "" if classes is None else f" of {len(classes.unique())} classes"
        raise ValueError(
            f"{len(y)} examples{of} cannot be split into {1 - share:.4g} and {share:.4g}"
            f"{too_small(classes, names)}"
        ) from error
    return torch.from_numpy(rest), torch.from_numpy(part)


def too_small(classes: Tensor | None, names: tuple[str, ...]) -> str:
    """Return the complaint about a class with a single example; nothing where there is none."""
    alone = [] if classes is None else (classes.bincount() == 1).nonzero().flatten().tolist()
    if not alone:
        return ""
    which = ", ".join(names[k] if names else str(k) for k in alone[:5])
    return f": one example is all there is of class {which}{', ...' if len(alone) > 5 else ''}"


def by_group(
    groups: Tensor, classes: Tensor | None, share: float, seed: int
) -> tuple[Tensor, Tensor]:
    """Return the indices of the rest and of whole groups that make up `share` of every class.

    Of many random orders of the groups, that one's beginning is taken which comes nearest.

    Raises:
        ValueError: there is one group, or all of a class lies in each choice.
    """
    ids, place = groups.unique(return_inverse=True)
    label = torch.zeros_like(place) if classes is None else classes
    width = int(label.max()) + 1
    held = (place * width + label).bincount(minlength=len(ids) * width).reshape(-1, width).numpy()
    chosen = nearest_groups(held, share, seed)
    if chosen is None:
        why = "there is only one" if len(ids) == 1 else "some class lies in too few of them"
        raise ValueError(
            f"{len(groups)} examples in {len(ids)} groups cannot be split into {1 - share:.4g} and "
            f"{share:.4g} that share no group: {why}"
        )
    inside = torch.isin(place, torch.from_numpy(chosen))
    return (~inside).nonzero().flatten(), inside.nonzero().flatten()


def nearest_groups(held: np.ndarray, share: float, seed: int) -> np.ndarray | None:
    """Return groups that hold about `share` of each class and leave some of each; None if none do.

    Args:
        held: examples of each class in each group, `(G, C)`.
        share: in (0, 1).
        seed: of the orders that are tried.
    """
    total = held.sum(0)
    goal, present = share * total, total > 0
    random, best, found = np.random.default_rng(seed), np.inf, None
    for _ in range(max(1, min(DRAWS, WORK // held.size))):
        order = random.permutation(len(held))
        taken = held[order].cumsum(0)[:-1]  # (G - 1, C): the first 1, 2, ... groups
        spoilt = (taken == total)[:, present].any(1)
        distance = np.where(spoilt, np.inf, np.abs(taken - goal).sum(1))
        if len(distance) and distance.min() < best:
            best, found = distance.min(), order[: distance.argmin() + 1]
    return found
