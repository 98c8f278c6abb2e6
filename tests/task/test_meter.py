"""Weighted means by hand."""

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from seedbed.task._meter import Meter


def alone(other: Tensor | float = 0.0) -> Any:
    """Return a trainer whose other process has measured `other`."""

    def reduce(tensor: Tensor, reduce_op: str) -> Tensor:
        assert reduce_op == "sum"
        return tensor + other

    return cast(Any, SimpleNamespace(world_size=2, strategy=SimpleNamespace(reduce=reduce)))


def value(number: float) -> Tensor:
    return torch.tensor(number)


def test_a_mean_counts_examples_not_batches() -> None:
    meter = Meter()
    meter.add({"loss": value(1.0), "other": value(5.0)}, 3)
    meter.add({"loss": value(2.0)}, 1)
    assert meter.means(alone()) == {"loss": 1.25, "other": 5.0}


def test_processes_of_unequal_shares() -> None:
    meter = Meter()
    meter.add({"b": value(4.0), "a": value(1.0)}, 6)
    other = torch.tensor([[10.0, 2.0], [0.0, 2.0]])  # of a and b, in this order
    assert meter.means(alone(other)) == {"a": 16 / 8, "b": 24 / 8}


def test_the_newest_value_is_that_of_all_processes() -> None:
    meter = Meter()
    meter.add({"loss": value(9.0)}, 5)
    meter.add({"loss": value(1.0)}, 2)
    assert meter.newest(alone(torch.tensor([[10.0, 2.0]]))) == {"loss": 3.0}
    assert meter.means(alone()) == {"loss": 47 / 7}  # as if nobody had looked


def test_a_process_by_itself_divides_numbers() -> None:
    meter, itself = Meter(), cast(Any, SimpleNamespace(world_size=1))  # nobody to ask
    meter.add({"b": value(9.0), "a": value(3.0)}, 4)
    meter.take_in()
    meter.add({"hidden": value(0.0), "b": value(5.0)}, value(0.0))
    found = meter.newest(itself)
    assert list(found) == ["a", "b", "hidden"]
    assert found["a"] == 3
    assert math.isnan(found["b"])
    assert math.isnan(found["hidden"])


def test_a_weight_may_be_a_tensor_and_nothing() -> None:
    meter = Meter()
    meter.add({"loss": value(4.0)}, value(0.5))
    meter.add({"loss": value(0.0)}, value(0.0))
    meter.add({"loss": value(1.0)}, value(1.0))
    assert meter.means(alone()) == {"loss": 2.0}


def test_a_sum_counts_what_it_is_of() -> None:
    meter = Meter()
    for right, of in ((41, 48), (1, 49)):  # 41/48 · 48 is no whole number in any precision
        meter.add({"loss": value(1.0)}, of)
        meter.add_sum("acc", torch.tensor(right), of)
        meter.take_in()
    assert meter.newest(alone()) == {"acc": 1 / 49, "loss": 1.0}
    assert meter.means(alone()) == {"acc": 42 / 97, "loss": 1.0}


def test_what_was_added_up_can_be_taken_up() -> None:
    one, other = Meter(), Meter()
    one.add({"loss": value(3.0)}, 2)
    kept = one.so_far()
    one.add({"loss": value(5.0)}, 1)  # does not reach what is kept
    other.take_up(kept, torch.device("cpu"))
    assert other.newest(alone()) == {"loss": 3.0}
    other.add({"loss": value(5.0)}, 1)
    assert other.means(alone()) == one.means(alone()) == {"loss": 11 / 3}
    assert kept["sums"]["loss"].tolist() == [[6.0], [2.0]]


def test_means_start_anew() -> None:
    meter = Meter()
    meter.add({"loss": value(7.0)})
    meter.means(alone())
    assert meter.means(alone()) == {}
    meter.add({"loss": value(3.0)})
    assert meter.means(alone()) == {"loss": 3.0}
    assert meter.newest(alone()) == {"loss": 3.0}


def test_a_long_sum_keeps_its_digits() -> None:
    meter = Meter()
    meter.add({"loss": value(2.0**24)})
    for _ in range(4):
        meter.add({"loss": value(1.0)})  # each lost in single precision
    assert meter.means(alone())["loss"] == (2**24 + 4) / 5


def test_no_graph_is_kept() -> None:
    meter = Meter()
    meter.add({"loss": torch.ones((), requires_grad=True) * 2})
    kept = meter.waiting["loss"].value
    assert isinstance(kept, torch.Tensor)
    assert not kept.requires_grad
    meter.take_in()
    assert meter.sums["loss",] == ([2.0], [1.0])
    assert meter.means(alone())["loss"] == pytest.approx(2)
