"""Episodes are disjoint by class, the same whenever they should be, and new whenever not."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seedbed.data._episode import drawn
from seedbed.data.digits import Digits
from seedbed.data.episodes import Episodes
from seedbed.types import Batch

SMALL: dict[str, Any] = {"episodes": 6, "val_episodes": 5, "test_episodes": 7, "batch_size": 2}


def data(**options: Any) -> Episodes:
    made = Episodes(**SMALL | options)
    made.setup()
    return made


def images(batch: Batch) -> Tensor:
    """Return every image as one exact row of pixels."""
    return batch.x.reshape(-1, 64)


def rows(x: Tensor) -> set[bytes]:
    return {each.numpy().tobytes() for each in x.reshape(len(x), -1)}


def label_of(source: Batch) -> dict[bytes, int]:
    pixels = source.x.reshape(len(source.x), -1)
    return {p.numpy().tobytes(): int(y) for p, y in zip(pixels, source.y, strict=True)}


def everything() -> dict[bytes, int]:
    source = Digits()
    source.setup()
    found: dict[bytes, int] = {}
    for name in ("train", "val", "test"):
        found |= label_of(source.splits[name])
    return found


def test_an_episode_holds_as_many_classes_and_images_as_asked_all_different() -> None:
    made = data(ways=3, shots=2, queries=4, train_ways=5, val_ways=2)
    truth = everything()
    cases: list[tuple[Any, int]] = [
        (made.train_dataloader(), 5),
        (made.val_dataloader(), 2),
        (made.test_dataloader(), 3),
    ]
    for loader, ways in cases:
        batch = next(iter(loader))
        assert batch.x.shape == (2, ways, 6, 1, 8, 8)
        assert torch.equal(batch.y, torch.arange(ways)[None, :, None].expand(2, ways, 6))
        for episode in batch.x:
            classes = []
            for row in episode:
                assert len(rows(row)) == 6
                found = {truth[key] for key in rows(row)}
                assert len(found) == 1  # one class a row
                classes += found
            assert len(set(classes)) == ways


@pytest.mark.parametrize("val_unseen", [[], [3, "4"]])
def test_test_classes_and_images_are_in_no_other_split(val_unseen: list[Any]) -> None:
    made = data(val_unseen=val_unseen, train_ways=3, val_ways=2, unseen=["5", 6, 7, 8, 9])
    labels = {name: set(split.y.tolist()) for name, split in made.splits.items()}
    seen = {0, 1, 2} if val_unseen else {0, 1, 2, 3, 4}
    assert labels == {
        "train": seen,
        "val": {3, 4} if val_unseen else seen,
        "test": {5, 6, 7, 8, 9},
    }
    train, val, test = (rows(made.splits[name].x) for name in ("train", "val", "test"))
    assert not train & val
    assert not train & test
    assert not val & test
    truth = everything()
    loaders: tuple[Any, ...] = (
        made.train_dataloader(),
        made.val_dataloader(),
        made.test_dataloader(),
    )
    for name, loader in zip(("train", "val", "test"), loaders, strict=True):
        drawn_ones = {truth[key] for batch in loader for key in rows(images(batch))}
        assert drawn_ones <= labels[name]


def episodes(loader: Any, epoch: int = 0) -> list[Tensor]:
    loader.sampler.set_epoch(epoch)
    return [each for batch in loader for each in batch.x]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(p, q) for p, q in zip(a, b, strict=True))


def test_training_episodes_are_new_in_every_epoch_and_a_function_of_the_seed() -> None:
    one, other = data(seed=1).train_dataloader(), data(seed=1).train_dataloader()
    first, second = episodes(one, 0), episodes(one, 1)
    assert same(episodes(other, 1), second)
    assert same(episodes(one, 0), first)  # nothing was drawn that counts
    assert not any(torch.equal(p, q) for p in first for q in second)
    assert len({each.numpy().tobytes() for each in first}) == 6
    assert not same(episodes(data(seed=2).train_dataloader(), 0), first)


def test_evaluation_is_fixed_whatever_seed_epoch_and_batch_size() -> None:
    one, other = data(seed=1, batch_size=1), data(seed=5, batch_size=4)
    torch.manual_seed(9)
    for name in ("val", "test"):
        a = episodes(getattr(one, f"{name}_dataloader")(), 0)
        b = episodes(getattr(other, f"{name}_dataloader")(), 3)
        assert same(a, b)
        assert len({each.numpy().tobytes() for each in a}) == len(a)
    more = episodes(data(test_episodes=9).test_dataloader())
    assert same(more[:7], episodes(one.test_dataloader()))


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_processes_share_the_same_episodes(
    split: Any, world: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = episodes(data().batches(split, shuffle=split == "train"), 2)
    shares = []
    for rank in range(world):
        made = data()
        monkeypatch.setattr(made, "place", lambda at=rank: (at, world, torch.device("cpu")))
        shares.append(episodes(made.batches(split, shuffle=split == "train"), 2))
    together = [each.numpy().tobytes() for share in shares for each in share]
    assert sorted(together) == sorted(each.numpy().tobytes() for each in alone)


def test_a_resumed_epoch_goes_on_with_the_next_episode() -> None:
    loader: Any = data(batch_size=1).train_dataloader()
    whole = episodes(loader, 3)
    loader.sampler.go_on(3, 4)
    assert same(episodes(loader, 3), whole[4:])


def test_every_class_and_image_is_drawn_alike_often() -> None:
    members = [torch.arange(4), torch.arange(4, 10), torch.arange(10, 13)]
    counts = torch.zeros(13)
    for index in range(3000):
        counts += drawn(members, 2, 2, 0, index).flatten().bincount(minlength=13)
    expected = torch.tensor([2000 * 2 / len(m) for m in members for _ in m])
    assert ((counts - expected).abs() < 5 * expected.sqrt()).all()
    first = [int(drawn(members, 2, 2, 0, i)[0, 0]) for i in range(300)]
    assert any(k < 4 for k in first)
    assert any(k >= 10 for k in first)  # a class has no place of its own in the episode


def test_the_spec_tells_ways_shots_and_queries() -> None:
    spec = data(ways=4, shots=1, queries=3, train_ways=3).spec
    assert spec.episode == (4, 1, 3)
    assert spec.shape == (1, 8, 8)
    assert spec.classes == tuple("0123456789")
    assert spec.counts[5:] == (0,) * 5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ways": 1}, "ways must be at least 2, got 1"),
        ({"train_ways": 1}, "train_ways must be at least 2, got 1"),
        ({"val_ways": 0}, "val_ways must be at least 2, got 0"),
        ({"shots": 0}, "shots must be at least 1, got 0"),
        ({"queries": 0}, "queries must be at least 1"),
        ({"test_episodes": 0}, "test_episodes must be at least 1"),
        ({"unseen": []}, "unseen is empty"),
        ({"ways": 6, "train_ways": 2, "val_ways": 2}, r"ways=6: the test split has 5 classes"),
        ({"ways": 6}, r"^ways=6: the train split has 5 classes \(0, 1, 2, 3, 4\)"),
        ({"train_ways": 6}, "train_ways=6: the train split has 5 classes"),
        ({"val_unseen": [4], "train_ways": 2}, r"^ways=5: the val split has 1 class \(4\)"),
        ({"unseen": list(range(10))}, "the train split has 0 classes$"),
        ({"val_unseen": [4, 5]}, "val_unseen and unseen share class 5"),
        ({"val_unseen": ["5"]}, "val_unseen and unseen share class 5"),
        ({"unseen": [5, "5"]}, "unseen: class 5 stands there twice"),
        ({"unseen": [5, "cat"]}, "unseen: there is no class 'cat'; there are 0, 1,"),
        ({"unseen": [5, 10]}, "unseen: there is no class 10"),
        ({"unseen": [-1]}, "unseen: there is no class -1"),
        ({"shots": 161}, r"class 8 has 174 images in the test split; shots \+ queries = 176"),
        ({"source": "digit"}, "source=digit: no such data; did you mean 'digits'"),
        ({"source": "episodes"}, "source=episodes: no such data"),
        ({"settings": {"sizes": 8}}, "settings.sizes=8: .* did you mean 'size'"),
        ({"settings": {"size": 2}}, "source=digits: size must lie between"),
        ({"source": "synthetic", "settings": {"form": "plane"}}, "source: images in memory"),
    ],
)
def test_episodes_that_cannot_be_drawn_are_refused(wrong: dict[str, Any], said: str) -> None:
    if "shots" in wrong and wrong["shots"] > 1:
        wrong = wrong | {"val_unseen": [0, 1], "train_ways": 3, "val_ways": 2}
    with pytest.raises(ValueError, match=said):
        data(**wrong)
