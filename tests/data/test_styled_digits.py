"""Digits in four styles."""

from typing import Any

import pytest
import torch

from seedbed.data.digits import Digits
from seedbed.data.styled_digits import HELD, STYLES, StyledDigits, styled
from seedbed.types import Batch


def ready(**arguments: Any) -> StyledDigits:
    data = StyledDigits(**arguments)
    data.setup()
    return data


def test_four_styles_by_hand() -> None:
    x = torch.zeros(1, 1, 3, 3)
    x[0, 0, 0, 2] = 5
    found = styled(Batch(x, torch.tensor([7])), 16)
    plain, inverted, thick, rotated = found.x[:, 0].tolist()
    assert plain == [[0, 0, 5], [0, 0, 0], [0, 0, 0]]
    assert inverted == [[16, 16, 11], [16, 16, 16], [16, 16, 16]]
    assert thick == [[0, 5, 5], [0, 5, 5], [0, 0, 0]]
    assert rotated == [[5, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert found.y.tolist() == [28, 29, 30, 31]


def test_a_code_says_digit_and_style() -> None:
    spec = ready().spec
    assert spec.outputs == 40
    assert spec.classes[29] == "7 inverted"
    assert spec.codes[29] == (0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    assert len(set(spec.codes)) == 40
    assert {sum(code) for code in spec.codes} == {2}


def test_each_digit_and_each_style_of_the_unseen_classes_is_seen_elsewhere() -> None:
    assert sorted(label // 4 for label in HELD) == list(range(10))
    assert {label % 4 for label in HELD} == set(range(len(STYLES)))
    splits: Any = ready().splits
    seen = sorted(set(range(40)) - set(HELD))
    assert splits["train"].y.unique().tolist() == splits["val"].y.unique().tolist() == seen
    assert splits["test"].y.unique().tolist() == list(range(40))
    assert splits["test/unseen"].y.unique().tolist() == list(HELD)
    assert splits["test/seen"].y.unique().tolist() == seen


def test_an_image_is_in_one_split_whatever_its_style() -> None:
    given: Any = {"val_fraction": 0.3, "fraction": 0.5, "seed": 4}
    data, plain = ready(size=8, unseen=[], **given), Digits(**given)
    plain.setup()
    for split in ("train", "val", "test"):
        here = data.splits[split]
        assert torch.equal(here.x[::4], plain.splits[split].x)
        assert torch.equal(here.y[::4], plain.splits[split].y * 4)


def test_a_few_of_each_seen_class() -> None:
    data = ready(per_class=2)
    counts = data.splits["train"].y.bincount(minlength=40)
    assert counts.tolist() == [0 if label in HELD else 2 for label in range(40)]
    assert len(data.splits["val"].y) == len(ready().splits["val"].y)


def test_a_class_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="40 is no class"):
        StyledDigits(unseen=[40])
