"""Codes of classes."""

from typing import Any

import pytest

from seedbed.data._codes import SEVEN_SEGMENTS, check_codes, check_unseen, choose, shuffled
from seedbed.data.digits import Digits
from seedbed.data.fashion_mnist import FashionMNIST

TEN = tuple("0123456789")


def test_the_segments_of_a_display() -> None:
    """How many each digit lights, and what tells alike ones apart."""
    assert [sum(code) for code in SEVEN_SEGMENTS] == [6, 2, 5, 5, 4, 5, 6, 3, 7, 6]
    differ = {
        (a, b): [k for k in range(7) if SEVEN_SEGMENTS[a][k] != SEVEN_SEGMENTS[b][k]]
        for a, b in ((8, 0), (8, 6), (8, 9), (1, 7), (5, 6), (3, 9))
    }
    assert differ == {(8, 0): [6], (8, 6): [1], (8, 9): [4], (1, 7): [0], (5, 6): [4], (3, 9): [5]}
    assert SEVEN_SEGMENTS[1] == (0, 1, 1, 0, 0, 0, 0)  # the two on the right
    assert SEVEN_SEGMENTS[2] == (1, 1, 0, 1, 1, 0, 1)
    check_codes(SEVEN_SEGMENTS, TEN)


def test_shuffled_codes_are_the_same_ones_of_other_classes() -> None:
    for seed in range(20):
        found = shuffled(SEVEN_SEGMENTS, seed)
        assert sorted(found) == sorted(SEVEN_SEGMENTS)
        assert all(a != b for a, b in zip(found, SEVEN_SEGMENTS, strict=True))
    assert shuffled(SEVEN_SEGMENTS, 1) == shuffled(SEVEN_SEGMENTS, 1)
    assert shuffled(SEVEN_SEGMENTS, 1) != shuffled(SEVEN_SEGMENTS, 2)


def test_what_the_data_says_of_codes() -> None:
    data = Digits()
    data.setup()
    assert data.spec.codes == SEVEN_SEGMENTS
    assert data.spec.plain()["codes"][8] == (1,) * 7
    assert Digits(codes="shuffled", seed=3).codes == shuffled(SEVEN_SEGMENTS, 3)
    own = [[k, 1] for k in range(10)]
    assert Digits(codes=own).codes == tuple((k, 1) for k in range(10))
    assert FashionMNIST().codes == ()


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([[0], [1]], "2 for 3 classes, class owl has none"),
        ([[0], [1], [2], [3]], "4 for 3 classes, some belong to no class"),
        ([[0, 1], [1, 1], [0, 1]], "classes cat and owl have the same one"),
        ([[0, 1], [1, 1], [1]], "the same length of at least 1, got 2, 2, 1"),
        ([[], [], []], "the same length of at least 1"),
        ([[0.0], [float("nan")], [1.0]], "class dog has a number that is not finite"),
        ("shuffled", "this data has no codes of its own"),
    ],
)
def test_codes_that_do_not_tell_classes_apart_are_refused(codes: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"^codes.*{said}"):
        choose(codes, (), ("cat", "dog", "owl"), 0)


def test_two_classes_may_be_left() -> None:
    check_unseen([0], ("a", "b", "c"))
    with pytest.raises(ValueError, match="1 would be left"):
        check_unseen([0, 2], ("a", "b", "c"))
