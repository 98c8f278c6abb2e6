"""Splits that keep groups together, and the words against those that leave nothing."""

import pytest
import torch

from seedbed.data._split import split


def test_groups_land_in_one_part_and_shares_are_kept() -> None:
    g = torch.Generator().manual_seed(0)
    groups = torch.randint(0, 40, (1000,), generator=g) * 7 + 3  # ids need not be 0, 1, 2, ...
    y = torch.randint(0, 3, (1000,), generator=g)
    rest, part = split(y, 0.3, seed=1, groups=groups)
    assert not {*groups[rest].tolist()} & {*groups[part].tolist()}
    assert sorted(torch.cat([rest, part]).tolist()) == list(range(1000))
    for label in range(3):
        share = (y[part] == label).sum().item() / (y == label).sum().item()
        assert share == pytest.approx(0.3, abs=0.05)


def test_a_tenth_of_ten_equal_groups_is_one_group() -> None:
    groups = torch.arange(10).repeat_interleave(7)
    rest, part = split(torch.zeros(70, 1), 0.1, seed=4, groups=groups)
    assert (len(rest), len(part)) == (63, 7)
    assert len(groups[part].unique()) == 1


def test_the_seed_chooses_the_groups() -> None:
    groups, y = torch.arange(100) // 2, torch.zeros(100, 1)
    one, same, other = (split(y, 0.2, seed=s, groups=groups)[1].tolist() for s in (0, 0, 1))
    assert one == same
    assert one != other
    assert len(one) == 20


def test_every_class_stays_in_the_rest() -> None:
    y = torch.tensor([0] * 40 + [1] * 2)
    groups = torch.cat([torch.arange(40) // 4, torch.tensor([10, 11])])  # class 1: two groups
    for seed in range(20):
        rest, _ = split(y, 0.5, seed=seed, groups=groups)
        assert (y[rest] == 1).any()


@pytest.mark.parametrize(
    ("groups", "says"),
    [([5, 5, 5, 5], "in 1 groups .* there is only one"), ([0, 0, 1, 1], "some class lies in too")],
)
def test_groups_that_cannot_be_split_are_refused(groups: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        split(torch.tensor([0, 0, 1, 1]), 0.5, seed=0, groups=torch.tensor(groups))


def test_a_class_of_one_is_named() -> None:
    y = torch.tensor([0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match=r"one example is all there is of class ham$"):
        split(y, 0.5, seed=0, names=("spam", "ham"))
