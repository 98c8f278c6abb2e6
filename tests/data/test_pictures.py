"""What small images share: their size, further test sets, classes that training does not see."""

from typing import Any

import pytest
import torch

from seedbed.data._changes import changed
from seedbed.data._pictures import resized
from seedbed.data.digits import Digits


def ready(**arguments: Any) -> Digits:
    data = Digits(**arguments)
    data.setup()
    return data


def test_smaller_images_are_means_of_areas() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert resized(x, 2).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


def test_larger_images_are_bilinear() -> None:
    x = torch.tensor([[0.0, 4.0], [0.0, 4.0]])[None, None]
    assert resized(x, 4)[0, 0].tolist() == [[0, 1, 3, 4]] * 4


def test_a_size_changes_the_shape_and_not_the_range() -> None:
    plain, large = ready(), ready(size=16)
    assert large.spec.shape == (1, 16, 16)
    assert large.splits["test"].x.max() == 16
    assert torch.equal(large.splits["train"].y, plain.splits["train"].y)
    assert torch.equal(large.splits["val"].x, resized(plain.splits["val"].x, 16))


def test_corruptions_are_further_test_sets() -> None:
    data = ready(corruptions=["invert", "noise"], severity=5, seed=3)
    assert data.spec.tests == ("invert", "noise")
    test = data.splits["test"]
    assert torch.equal(test.x, ready().splits["test"].x)
    splits: Any = data.splits
    torch.testing.assert_close(splits["test/invert"].x, 16 - test.x)
    torch.testing.assert_close(splits["test/noise"].x, 16 * changed(test.x / 16, "noise", 5, 3))
    assert torch.equal(splits["test/noise"].y, test.y)


def test_a_severity_is_that_of_the_corruptions() -> None:
    splits: Any = ready(corruptions=["contrast"], severity=2).splits
    x = splits["test"].x
    mean = x.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(splits["test/contrast"].x, (x + mean) / 2)


def test_training_lacks_unseen_classes_and_the_test_has_them() -> None:
    data, whole = ready(unseen=[8, 3, 8]), ready()
    splits: Any = data.splits
    assert data.spec.unseen == (3, 8)
    assert data.spec.outputs == 10
    seen = [k for k in range(10) if k not in (3, 8)]
    assert splits["train"].y.unique().tolist() == seen
    assert splits["val"].y.unique().tolist() == seen
    assert torch.equal(splits["test"].x, whole.splits["test"].x)
    assert splits["test/seen"].y.unique().tolist() == seen
    assert splits["test/unseen"].y.unique().tolist() == [3, 8]
    assert len(splits["test/seen"].y) + len(splits["test/unseen"].y) == len(splits["test"].y)
    assert [data.spec.counts[k] for k in (3, 8)] == [0, 0]
    images = {tuple(row) for row in whole.splits["test"].x.flatten(1).tolist()}
    assert not images & {tuple(row) for row in splits["train"].x.flatten(1).tolist()}


def test_labels_of_seen_classes_stay_what_they_were() -> None:
    where = {
        tuple(x): y
        for part in ready().splits.values()
        for x, y in zip(part.x.flatten(1).tolist(), part.y.tolist(), strict=True)
    }
    train = ready(unseen=[0, 1]).splits["train"]
    rows = zip(train.x.flatten(1).tolist(), train.y.tolist(), strict=True)
    assert all(where[tuple(x)] == y for x, y in rows)


def test_without_unseen_classes_there_is_one_test() -> None:
    assert list(ready().splits) == ["train", "val", "test"]
    assert ready().spec.unseen == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"size": 3}, "size must lie between 4 and 512"),
        ({"severity": 6}, "severity must be a whole number from 1 to 5, got 6"),
        ({"severity": 0}, "severity must be"),
        ({"unseen": [10]}, r"unseen=\[10\]: 10 is no class; they are 0 to 9"),
        ({"unseen": [-1]}, "-1 is no class"),
        ({"unseen": list(range(9))}, "training needs 2 classes, 1 would be left"),
        ({"codes": [[0, 1], [1, 0]]}, "2 for 10 classes, class 2 has none"),
    ],
)
def test_arguments_outside_their_range_are_refused(arguments: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Digits(**arguments)
