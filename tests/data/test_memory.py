"""Splits of data that fits in memory."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from quick import Walker, trainer
from torch import Tensor

from seedbed.data._memory import InMemory, divide, few
from seedbed.data.synthetic import Synthetic
from seedbed.types import Batch


class Numbers(InMemory):
    """A hundred examples, 60 of class 0, 30 of class 1 and 10 of class 2; x is the index."""

    def read(self) -> tuple[Batch, Batch]:
        y = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
        return Batch(torch.arange(100.0)[:, None], y), Batch(
            torch.arange(200.0, 207)[:, None], y[57:64]
        )


class Listener(Walker):
    """Writes down what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[list[float]] = [[]]

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        self.heard[-1] += batch.x[:, 0].tolist()
        return super().training_step(batch, batch_idx)

    def on_train_epoch_end(self) -> None:
        self.heard.append([])


def ready(**options: Any) -> Numbers:
    data = Numbers(**options)
    data.setup()
    return data


def numbers(data: InMemory, split: Any) -> list[float]:
    return data.splits[split].x[:, 0].tolist()


def counts(data: InMemory, split: Any) -> list[int]:
    return data.splits[split].y.bincount().tolist()


def test_splits_are_stratified_and_lose_nothing() -> None:
    data = ready(val_fraction=0.2)
    assert counts(data, "train") == [48, 24, 8]
    assert counts(data, "val") == [12, 6, 2]
    assert sorted(numbers(data, "train") + numbers(data, "val")) == list(range(100))
    assert numbers(data, "test") == list(range(200, 207))


def test_a_fraction_is_stratified_and_leaves_validation_alone() -> None:
    whole, half = ready(), ready(fraction=0.5)
    assert counts(half, "train") == [24, 12, 4]
    assert set(numbers(half, "train")) < set(numbers(whole, "train"))
    assert numbers(half, "val") == numbers(whole, "val")
    assert numbers(half, "test") == numbers(whole, "test")


def test_a_few_of_each_class_leave_validation_and_test_alone() -> None:
    whole, three, five = ready(), ready(per_class=3), ready(per_class=5)
    assert (counts(three, "train"), counts(five, "train")) == ([3, 3, 3], [5, 5, 5])
    assert set(numbers(three, "train")) < set(numbers(five, "train")) < set(numbers(whole, "train"))
    for split in ("val", "test"):
        assert numbers(three, split) == numbers(whole, split)
    x, y, *_ = three.splits["train"]
    assert torch.equal(y, (x[:, 0] >= 60).long() + (x[:, 0] >= 90).long())
    assert numbers(ready(per_class=3), "train") == numbers(three, "train")
    assert counts(ready(per_class=4, fraction=0.5), "train") == [4, 4, 4]


def test_the_few_of_a_class_are_drawn_by_the_seed_from_all_of_it() -> None:
    y = torch.tensor([1, 0] * 50)
    drawn = torch.cat([few(y, 1, seed) for seed in range(200)])
    assert len(drawn.unique()) > 80  # of 100, 13 are missed on average
    assert y[drawn].bincount().tolist() == [200, 200]


def test_unknown_classes_are_never_among_the_few() -> None:
    assert few(torch.tensor([-1, 2, -1, 0, -1]), 1, seed=0).tolist() == [1, 3]


def test_more_of_a_class_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="per_class=9: class 2 has 8 training examples"):
        ready(per_class=9)


def test_real_targets_have_no_classes_to_take_a_few_of() -> None:
    with pytest.raises(ValueError, match="per_class=2: the targets are real numbers"):
        Synthetic(form="plane", per_class=2).setup()


def test_targets_stay_with_their_inputs() -> None:
    x, y, *_ = ready().splits["train"]
    assert torch.equal(y, (x[:, 0] >= 60).long() + (x[:, 0] >= 90).long())


def test_the_seed_makes_the_split() -> None:
    assert numbers(ready(seed=4), "val") == numbers(ready(seed=4), "val")
    assert set(numbers(ready(seed=4), "val")) != set(numbers(ready(seed=5), "val"))


@pytest.mark.parametrize(
    ("batch_size", "expected"), [("full", [80]), (1, [1] * 80), (32, [32, 32, 16]), (500, [80])]
)
def test_batch_sizes(batch_size: Any, expected: list[int]) -> None:
    loader = ready(batch_size=batch_size).train_dataloader()
    assert [len(batch.y) for batch in loader] == expected
    assert len(loader) == len(expected)


def test_a_validation_has_room_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbed.data._splits.ROOM", 40)  # bytes: 10 numbers
    data = ready(batch_size=3)
    loaders = cast(Any, (data.val_dataloader(), data.test_dataloader(), data.train_dataloader()))
    val, test, train = ([len(batch.y) for batch in loader] for loader in loaders)
    assert val == [9, 9, 2]  # 3 training batches each: 36 bytes
    assert test == [3, 3, 1]  # what adapts to test batches is to see those that were asked for
    assert train == [3] * 26 + [2]
    assert [len(b.y) for b in cast(Any, ready(batch_size=11).val_dataloader())] == [11, 9]


def test_only_training_is_shuffled() -> None:
    data = ready(batch_size="full")
    for split, loader in (("val", data.val_dataloader()), ("test", data.test_dataloader())):
        assert next(iter(cast(Any, loader))).x[:, 0].tolist() == numbers(data, split)
    assert next(iter(data.predict_dataloader())).x[:, 0].tolist() == numbers(data, "test")
    assert next(iter(data.train_dataloader())).x[:, 0].tolist() != numbers(data, "train")


def test_every_epoch_of_a_training_has_its_own_order() -> None:
    def listen() -> list[list[float]]:
        listener = Listener()
        trainer(max_epochs=3).fit(listener, datamodule=Numbers(batch_size=7))
        return listener.heard[:3]

    first, second, third = listen()
    assert sorted(first) == sorted(second) == sorted(third)
    assert len(set(first)) == len(first) == 80
    assert first != second
    assert second != third
    assert first != third
    assert listen() == [first, second, third]


def test_processes_share_an_epoch() -> None:
    def share(rank: int) -> Tensor:
        data = ready(batch_size=7)
        strategy = SimpleNamespace(root_device=torch.device("cpu"))
        data.trainer = cast(Any, SimpleNamespace(global_rank=rank, world_size=2, strategy=strategy))
        batches = list(data.train_dataloader())
        assert len(batches) == 6  # ceil(80 / 14)
        return torch.cat([batch.x[:, 0] for batch in batches])

    both = torch.cat([share(0), share(1)])
    assert sorted(both.tolist()) == sorted(numbers(ready(), "train"))


def test_what_the_data_knows() -> None:
    spec = ready().spec
    assert (spec.shape, spec.kind, spec.outputs) == ((1,), "class", 3)
    assert spec.classes == ("0", "1", "2")


def test_real_targets_are_divided_at_random() -> None:
    examples = Batch(torch.arange(10.0)[:, None], torch.arange(10.0)[:, None])
    rest, part = divide(examples, 0.3, seed=1)
    assert len(part.y) == 3
    assert sorted(torch.cat([rest.x, part.x])[:, 0].tolist()) == list(range(10))
    assert torch.equal(part.x, part.y)


def test_a_class_too_small_to_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="5 examples of 2 classes cannot be split"):
        divide(Batch(torch.zeros(5, 1), torch.tensor([0, 0, 0, 0, 1])), 0.5, seed=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("batch_size", "all"),
        ("val_fraction", 0.0),
        ("val_fraction", 1.0),
        ("fraction", 0.0),
        ("fraction", 1.1),
        ("per_class", 0),
    ],
)
def test_arguments_outside_their_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must"):
        Numbers(**{name: value})


def test_labels_outside_the_classes_are_refused() -> None:
    class Strange(Numbers):
        def class_names(self) -> tuple[str, ...]:
            return ("a", "b")

    with pytest.raises(
        ValueError, match=r"label 2 of example [0-9]+ .* outside the classes 0 to 1"
    ):
        Strange().setup()


def test_one_class_only_is_refused() -> None:
    class Alone(Numbers):
        def read(self) -> tuple[Batch, Batch]:
            same = Batch(torch.zeros(10, 1), torch.zeros(10, dtype=torch.int64))
            return same, same

    with pytest.raises(ValueError, match="every training example is of class 0"):
        Alone().setup()
