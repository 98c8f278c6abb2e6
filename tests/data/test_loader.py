"""Which examples form which batch, on one rank and on several."""

import pytest
import torch

from seedbed.data._loader import Loader, Order
from seedbed.types import Batch


def sizes(order: Order) -> list[int]:
    return [len(index) for index in order]


def seen(*orders: Order) -> list[int]:
    return torch.cat([index for order in orders for index in order]).tolist()


@pytest.mark.parametrize(
    ("n", "batch_size", "expected"),
    [(13, 4, [4, 4, 4, 1]), (12, 4, [4, 4, 4]), (5, 1, [1] * 5), (13, 13, [13]), (3, 64, [3])],
)
def test_an_epoch_has_ceil_n_over_b_batches(n: int, batch_size: int, expected: list[int]) -> None:
    for seed in (None, 0):
        order = Order(n, batch_size, seed=seed)
        assert sizes(order) == expected
        assert len(order) == len(expected)
        assert sorted(seen(order)) == list(range(n))


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    def epoch(seed: int, number: int) -> list[int]:
        order = Order(40, 7, seed=seed)
        order.set_epoch(number)
        return seen(order)

    assert epoch(3, 5) == epoch(3, 5)
    orders = [tuple(epoch(seed, number)) for seed in (3, 4) for number in (0, 1, 5)]
    assert len(set(orders)) == 6
    assert tuple(range(40)) not in orders


def test_without_a_seed_the_order_is_that_of_the_split() -> None:
    order = Order(10, 4, seed=None)
    order.set_epoch(7)
    assert seen(order) == list(range(10))


@pytest.mark.parametrize("batch_size", range(1, 15))
@pytest.mark.parametrize("world", [2, 3, 4])
@pytest.mark.parametrize("seed", [None, 9])
def test_13_examples_on_several_ranks(seed: int | None, world: int, batch_size: int) -> None:
    ranks = [Order(13, batch_size, seed=seed, rank=r, world=world) for r in range(world)]
    assert sorted(seen(*ranks)) == list(range(13))
    steps = {tuple(size > 0 for size in sizes(rank)) for rank in ranks}
    assert len(steps) == 1  # all make the same number of steps
    assert all(steps.pop())  # and none of them without an example
    assert {len(rank) for rank in ranks} == {len(sizes(ranks[0]))}


def test_a_last_example_that_cannot_be_shared_joins_the_batch_before() -> None:
    ranks = [Order(13, 3, seed=1, rank=r, world=2) for r in range(2)]  # 6, then 6 + 1
    assert [sizes(rank) for rank in ranks] == [[3, 4], [3, 3]]
    ranks = [Order(14, 3, seed=1, rank=r, world=2) for r in range(2)]  # 6, 6, 2
    assert [sizes(rank) for rank in ranks] == [[3, 3, 1], [3, 3, 1]]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 6, 7, 13, 20])
@pytest.mark.parametrize("world", [1, 2, 3])
def test_a_rank_knows_the_sizes_of_all_batches(batch_size: int, world: int) -> None:
    ranks = [Order(13, batch_size, seed=None, rank=r, world=world) for r in range(world)]
    for batch, parts in enumerate(zip(*ranks, strict=True)):
        lengths = [len(part) for part in parts]
        wanted = [(length, sum(lengths)) for length in lengths]
        assert [rank.counts(batch) for rank in ranks] == wanted


def test_ranks_share_the_global_batches_of_one_process() -> None:
    alone = list(Order(24, 6, seed=2))
    shared = zip(*(Order(24, 3, seed=2, rank=r, world=2) for r in range(2)), strict=True)
    for whole, halves in zip(alone, shared, strict=True):
        assert sorted(torch.cat(halves).tolist()) == sorted(whole.tolist())


def test_fewer_examples_than_processes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 examples cannot be shared by 3"):
        Order(2, 4, seed=None, world=3)


def test_inputs_stay_with_their_targets() -> None:
    y = torch.arange(11)
    loader = Loader(Batch(y[:, None] * 10.0, y), Order(11, 4, seed=5))
    batches = list(loader)
    assert [len(batch.y) for batch in batches] == [4, 4, 3]
    assert len(loader) == 3
    for batch in batches:
        assert torch.equal(batch.x[:, 0], batch.y * 10.0)


def test_the_epoch_is_read_when_it_starts() -> None:
    loader = Loader(Batch(torch.arange(9.0)[:, None], torch.arange(9)), Order(9, 9, seed=5))
    waiting = iter(loader)
    loader.sampler.set_epoch(3)
    assert next(waiting).y.tolist() == seen(loader.sampler)
