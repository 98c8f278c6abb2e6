"""What all data promises."""

import math

import pytest
import torch
from option import build, names

from seedbed.data._memory import InMemory
from seedbed.data.fashion_mnist import DEBIAN

ABSENT = {} if DEBIAN.is_dir() else {"fashion_mnist": "dataset-fashion-mnist is missing"}


def marked(name: str) -> object:
    marks = [pytest.mark.slow] if name == "fashion_mnist" else []
    if name in ABSENT:
        marks.append(pytest.mark.skip(reason=ABSENT[name]))
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [marked(name) for name in names("data")])
def test_it_can_be_trained_on(name: str) -> None:
    data: InMemory = build("data", name, batch_size=48)
    data.prepare_data()
    data.setup()
    spec = data.spec
    for split in data.splits.values():
        assert split.x.shape == (len(split.y), *spec.shape)
        assert split.x.isfinite().all()
        if spec.kind == "class":
            assert split.y.unique().tolist() == list(range(spec.outputs))
    n = len(data.splits["train"].y)
    loader = data.train_dataloader()
    indices = list(loader.sampler)
    assert len(loader) == len(indices) == math.ceil(n / 48)
    assert torch.cat(indices).sort().values.tolist() == list(range(n))
    batch = next(iter(loader))
    assert torch.equal(batch.x, data.splits["train"].x[indices[0]])
    assert torch.equal(batch.y, data.splits["train"].y[indices[0]])


@pytest.mark.parametrize("name", [n for n in names("data") if n != "fashion_mnist"])
def test_it_is_the_same_every_time(name: str) -> None:
    one, other = build("data", name), build("data", name)
    one.setup()
    other.setup()
    for split in ("train", "val", "test"):
        assert torch.equal(one.splits[split].x, other.splits[split].x)
        assert torch.equal(one.splits[split].y, other.splits[split].y)
