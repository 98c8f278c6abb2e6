"""A training batch of one example, which batch norm cannot learn from."""

import copy

import torch
from lightning import Trainer
from torch import nn

from seedbed.data._loader import Order
from seedbed.run.folder import Refused
from seedbed.types import Data


def refuse_lone_example(net: nn.Module, data: Data, trainer: Trainer) -> None:
    """Try one example in training mode where one batch of an epoch will be of that size.

    Raises:
        Refused: the model does not take it.
    """
    x = data.splits["train"].x
    size = getattr(data, "batch_size", None)
    if (
        data.spec.episode
        or size is None
        or not lone(len(x), size, trainer.world_size, trainer.limit_train_batches)
    ):
        return
    tried = copy.deepcopy(net).train()  # statistics that one example moves are thrown away
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            tried(x[:1])
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            where = "" if size == 1 else f", and the last of {len(x)} examples has only 1"
            raise Refused(
                f"data.batch_size={size}: batch norm needs 2 examples in every batch of training"
                f"{where}; choose another batch size, or model.norm=layer"
            ) from error


def lone(n: int, batch_size: int | str, world: int, limit: int | float | None) -> bool:
    """Return whether some process gets a batch of one example in an epoch.

    Args:
        n: training examples N.
        batch_size: examples a process and batch, or `full`.
        world: number of processes.
        limit: batches of an epoch that are used, or a share of them in [0, 1].
    """
    order = Order(
        n, n if isinstance(batch_size, str) else batch_size, seed=None, rank=world - 1, world=world
    )
    sizes = [len(batch) for batch in order]  # the last rank's, which are the smallest
    used = sizes[:limit] if isinstance(limit, int) else sizes[: int(len(sizes) * (limit or 1.0))]
    return 1 in used
