"""Folds: each example validates once, classes are shared out, the test split is left alone."""

from pathlib import Path

import pytest
import torch
from conftest import TINY, Train
from samples import table

from seedbed.data._fold import fold
from seedbed.data._splits import Splits
from seedbed.data.digits import Digits
from seedbed.data.domains import Domains
from seedbed.data.synthetic import Synthetic
from seedbed.data.tabular import Tabular


def parts(
    y: torch.Tensor, folds: int, groups: torch.Tensor | None = None
) -> list[tuple[list[int], list[int]]]:
    found = (fold(y, folds, at, 7, groups=groups) for at in range(folds))
    return [(rest.tolist(), held.tolist()) for rest, held in found]


def ready(data: Splits) -> Splits:
    data.setup()
    return data


@pytest.mark.parametrize("y", [torch.arange(103) % 4, torch.randn(103, 2)])
def test_each_example_validates_in_one_fold_and_trains_in_all_others(y: torch.Tensor) -> None:
    every = parts(y, 5)
    assert sorted(k for _, held in every for k in held) == list(range(103))
    for rest, held in every:
        assert sorted(rest + held) == list(range(103))
        assert len(held) in (20, 21)


def test_every_fold_has_its_share_of_every_class() -> None:
    y = torch.tensor([0] * 50 + [1] * 25 + [2] * 10)
    for _, held in parts(y, 5):
        assert y[held].bincount().tolist() == [10, 5, 2]


def test_groups_stay_together_and_folds_are_of_like_sizes() -> None:
    groups = torch.arange(200) // 5 * 3
    y = (torch.arange(200) // 5) % 2
    for rest, held in parts(y, 4, groups=groups):
        assert not {*groups[rest].tolist()} & {*groups[held].tolist()}
        assert y[held].bincount().tolist() == [25, 25]


def test_the_seed_deals_the_folds_and_the_same_one_the_same() -> None:
    y = torch.arange(60) % 3
    first, again, other = (fold(y, 3, 0, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_too_few_examples_and_classes_that_would_be_gone_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^folds=5: there are 4 examples$"):
        fold(torch.zeros(4, 1), 5, 0, 0)
    with pytest.raises(ValueError, match=r"^folds=3: there are 2 groups$"):
        fold(torch.zeros(6, 1), 3, 0, 0, groups=torch.tensor([0, 0, 0, 9, 9, 9]))
    y = torch.tensor([0, 0, 0, 0, 1])
    for at in range(2):
        with pytest.raises(ValueError, match=r"^folds=2: all of class ham falls into one fold$"):
            fold(y, 2, at, 0, names=("spam", "ham"))


@pytest.mark.parametrize("kind", ["digits", "synthetic", "tabular"])
def test_the_test_split_is_the_same_in_every_fold_and_nothing_of_it_validates(
    kind: str, tmp_path: Path
) -> None:
    path = str(table(tmp_path / "rows.csv"))
    make = {
        "digits": Digits,
        "synthetic": Synthetic,
        "tabular": lambda **more: Tabular(path, "blood", **more),
    }[kind]
    whole = ready(make())
    inputs = torch.cat([whole.splits["train"].x, whole.splits["val"].x])
    held = []
    for at in range(3):
        data = ready(make(folds=3, fold=at))
        assert torch.equal(data.splits["test"].y, whole.splits["test"].y)
        held.append(len(data.splits["val"].y))
        assert len(data.splits["train"].y) + held[-1] == len(inputs)
    assert sum(held) == len(inputs)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"folds": 1}, "folds must be at least 2, got 1"),
        ({"folds": 5, "fold": 5}, "fold must be a whole number from 0 to 4, got 5"),
        ({"folds": 5, "fold": -1}, "fold must be a whole number from 0 to 4, got -1"),
        ({"fold": 2}, "fold=2 needs folds: how many there are"),
    ],
)
def test_folds_that_there_are_not_are_refused(given: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Digits(**given)


def test_data_that_knows_no_folds_says_so() -> None:
    with pytest.raises(ValueError, match="domains are divided by val_fraction alone"):
        Domains(folds=3)
    with pytest.raises(ValueError, match="folds=3 and val_unseen both say what validates"):
        Digits(folds=3, val_unseen=[1])


def test_the_gate_refuses_a_fold_beyond_the_last(train: Train) -> None:
    ended = train(*TINY, "data.folds=5", "data.fold=5")
    assert (ended.code, ended.err) == (
        2,
        "data: fold must be a whole number from 0 to 4, got 5\n",
    )
