"""The handwritten digits of scikit-learn."""

import torch
from sklearn.datasets import load_digits

from seedbed.data.digits import Digits


def test_every_image_is_in_one_split() -> None:
    data = Digits()
    data.setup()
    assert [len(data.splits[s].y) for s in ("train", "val", "test")] == [1149, 288, 360]
    rows = torch.cat(
        [torch.cat([s.x.flatten(1), s.y[:, None].float()], 1) for s in data.splits.values()]
    )
    images, labels = load_digits(return_X_y=True)
    expected = torch.cat([torch.from_numpy(images), torch.from_numpy(labels)[:, None]], 1)
    assert sorted(rows.tolist()) == sorted(expected.float().tolist())
    assert rows[:, :-1].max() == 16


def test_what_the_data_knows() -> None:
    data = Digits()
    data.setup()
    spec = data.spec
    assert (spec.shape, spec.kind, spec.outputs) == ((1, 8, 8), "class", 10)
    assert spec.classes == tuple("0123456789")
    assert data.splits["test"].y.bincount().min() >= 34  # 174 to 183 a class


def test_the_test_split_never_changes() -> None:
    one, other = Digits(seed=1), Digits(seed=2, fraction=0.3)
    one.setup()
    other.setup()
    assert torch.equal(one.splits["test"].x, other.splits["test"].x)
    assert not torch.equal(one.splits["val"].x, other.splits["val"].x)
