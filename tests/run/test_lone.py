"""Which splits leave a process with a batch of one example."""

import pytest
from conftest import TINY, Train

from seedbed.data._loader import Order
from seedbed.run.lone import lone


def test_it_is_what_the_loaders_do() -> None:
    found = set()
    for n in range(3, 30):
        for size in (1, 2, 3, 5, 8):
            for world in (1, 2, 3):
                ranks = [Order(n, size, seed=3, rank=r, world=world) for r in range(world)]
                one = any(len(batch) == 1 for rank in ranks for batch in rank)
                assert lone(n, size, world, 1.0) == one, (n, size, world)
                found.add((world, one))
    assert len(found) == 6


@pytest.mark.parametrize(
    ("limit", "one"), [(None, True), (1.0, True), (3, True), (2, False), (0.7, False)]
)
def test_batches_beyond_the_limit_are_never_seen(limit: float | None, one: bool) -> None:
    assert lone(9, 4, 1, limit) == one  # 4, 4 and 1


def test_full_batches_are_all_examples() -> None:
    assert not lone(7, "full", 1, 1.0)
    assert lone(1, "full", 1, 1.0)


def test_other_norms_take_one_example(train: Train) -> None:
    ended = train(*TINY, "data.batch_size=37", "model.norm=layer", "stages=fit")
    assert ended.code == 0, ended.err


def test_the_trial_leaves_no_trace_in_the_statistics(train: Train) -> None:
    """Convolutions take one example: they are tried, and then trained as if they had not been."""
    from seedbed.checkpoint._file import read_checkpoint

    images = ["data=digits", "~data.size", "model=resnet", "~model.widths", "data.fraction=0.1"]
    small = ["model.channels=[4]", "model.blocks=1", "data.batch_size=38", "stages=fit"]
    ended = train(*TINY, *images, *small)  # 115 = 3·38 + 1 examples
    assert ended.code == 0, ended.err
    state = read_checkpoint(ended.folder / "checkpoints/last.ckpt")["state_dict"]
    counts = [v.item() for k, v in state.items() if k.endswith("num_batches_tracked")]
    assert set(counts) == {4}
