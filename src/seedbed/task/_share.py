"""What the batch of one process counts in the gradient of an update, so that this is a true mean.

Lightning divides every loss by the number of batches that add up to an update, also where the last
update of an epoch has fewer, and DDP divides the sum of the gradients by the number of processes.
Both are right only where all batches are of one size, which the last ones are not.
"""

import math
from collections.abc import Callable

import torch
from lightning import Trainer
from torch import Tensor

Counts = Callable[[int], tuple[int, int]]  # a batch to the examples here and of all processes


def share(trainer: Trainer, batch: int, weight: Tensor | None) -> float | Tensor:
    """Return what to multiply the mean loss of this process's batch by.

    A penalty that does not depend on the batch may be multiplied, too: the mean of the shares of
    an update is 1.

    Args:
        trainer: knows the order of the examples, the processes, and how many batches add up.
        batch: which one of the epoch, from 0.
        weight: `()`, what its examples on this process weigh if that is not their number.
    """
    n, batches, world = (
        trainer.accumulate_grad_batches,
        trainer.num_training_batches,
        trainer.world_size,
    )
    if n == world == 1 and weight is None:
        return 1.0
    first = batch - batch % n
    window = range(first, int(min(first + n, batches)) if math.isfinite(batches) else first + n)
    order = getattr(trainer.train_dataloader, "sampler", None)
    counts: Counts | None = getattr(order, "counts", None)  # a protocol costs 20 µs to ask for
    if counts is None:  # a loader of the user's own: all alike
        return n / len(window)
    here, everywhere = counts(batch)
    of_update = n * world * everywhere / sum(counts(each)[1] for each in window)
    if weight is None:
        return of_update * here / everywhere
    return weight * of_update / over_processes(weight)


def over_processes(weight: Tensor) -> Tensor:
    """Return the sum over all processes, `()`, > 0; no process waits for its device."""
    total = weight.clone()
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(total)
    return total.clamp(min=torch.finfo(weight.dtype).tiny)
