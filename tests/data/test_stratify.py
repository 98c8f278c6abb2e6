"""Shares in the very draws of scikit-learn."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from seedbed.data._stratify import parted


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.05, 0.2, 1 / 3, 0.5, 0.9])
@pytest.mark.parametrize("counts", [None, [50, 50], [40, 7, 33], [20] * 10, [5, 150, 9, 9, 9]])
def test_the_draws_are_those_of_scikit_learn(
    counts: list[int] | None, share: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    classes = None if counts is None else random.permutation(np.repeat(range(len(counts)), counts))
    size = 83 if classes is None else len(classes)
    try:
        reference = train_test_split(
            np.arange(size), test_size=share, random_state=seed, stratify=classes
        )
    except ValueError:  # fewer examples in a part than classes
        with pytest.raises(ValueError, match="lack a class"):
            parted(size, share, seed, classes)
        return
    for found, known in zip(parted(size, share, seed, classes), reference, strict=True):
        np.testing.assert_array_equal(found, known)


@pytest.mark.parametrize(
    ("size", "share", "classes"),
    [(1, 0.5, None), (10, 0.95, None), (5, 0.4, [0, 0, 0, 0, 1]), (6, 0.2, [0, 0, 1, 1, 2, 2])],
)
def test_what_scikit_learn_refuses_is_refused(
    size: int, share: float, classes: list[int] | None
) -> None:
    labels = None if classes is None else np.array(classes)
    with pytest.raises(ValueError, match="part"):
        parted(size, share, 0, labels)
    with pytest.raises(ValueError, match=r"."):
        train_test_split(np.arange(size), test_size=share, random_state=0, stratify=labels)
