"""Cross-validation: every example validates in one of k folds and trains in all others.

Source: Stone 1974, "Cross-Validatory Choice and Assessment of Statistical Predictions", Journal of
the Royal Statistical Society B 36; Kohavi 1995 (stratified folds), IJCAI.
"""

import numpy as np
import torch
from torch import Tensor

from seedbed.randomness import permutation


def fold(
    y: Tensor,
    folds: int,
    at: int,
    seed: int,
    *,
    groups: Tensor | None = None,
    names: tuple[str, ...] = (),
) -> tuple[Tensor, Tensor]:
    """Return the indices that train and those that validate in a fold, both int64.

    Args:
        y: targets `(N,)` int64, whose classes are shared out evenly, or `(N, K)` values.
        folds: k, >= 2.
        at: which of them, from 0.
        seed: of the draw, which is the same for all folds.
        groups: `(N,)` int64; examples of one group land in one fold.
        names: of the classes, for messages.

    Raises:
        ValueError: there are fewer examples or groups than folds, or all of a class validates.
    """
    units = len(y) if groups is None else len(groups.unique())
    if units < folds:
        what = "examples" if groups is None else "groups"
        raise ValueError(f"folds={folds}: there are {units} {what}")
    classes = y if y.dtype == torch.int64 else torch.zeros(len(y), dtype=torch.int64)
    of = dealt(classes, folds, seed) if groups is None else by_group(classes, groups, folds, seed)
    for label in classes.unique().tolist():
        if len(of[classes == label].unique()) == 1:
            which = names[label] if names else label
            raise ValueError(f"folds={folds}: all of class {which} falls into one fold")
    inside = of == at
    return (~inside).nonzero().flatten(), inside.nonzero().flatten()


def dealt(classes: Tensor, folds: int, seed: int) -> Tensor:
    """Return the fold of every example, `(N,)`: shuffled, sorted by class, dealt like cards."""
    order = permutation(len(classes), seed)
    order = order[classes[order].argsort(stable=True)]
    of = torch.empty_like(order)
    of[order] = torch.arange(len(order)) % folds
    return of


def by_group(classes: Tensor, groups: Tensor, folds: int, seed: int) -> Tensor:
    """Return the fold of every example, `(N,)`: the largest groups first, each where it is needed.

    That is the fold in which the shares of its classes are the smallest so far.
    """
    ids, place = groups.unique(return_inverse=True)
    width = int(classes.max()) + 1
    held = (place * width + classes).bincount(minlength=len(ids) * width)
    counts = held.reshape(-1, width).numpy()  # (G, C)
    total = np.maximum(1, counts.sum(0))
    order = permutation(len(ids), seed).numpy()
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    filled = np.zeros((folds, width))
    of = np.zeros(len(ids), dtype=np.int64)
    for group in order:
        crowd = ((filled + counts[group]) / total) ** 2 - (filled / total) ** 2
        of[group] = crowd.sum(1).argmin()
        filled[of[group]] += counts[group]
    return torch.from_numpy(of)[place]
