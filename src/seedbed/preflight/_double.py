"""A double of the task to experiment on: what is done to it, the training never sees."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Step


@contextmanager
def untouched() -> Iterator[None]:
    """Leave every random generator as it was, whatever is drawn in between."""
    python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002 -- the run's own
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices), torch.enable_grad():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)  # noqa: NPY002


def double(task: Supervised, device: torch.device, *, plain: bool = False) -> Supervised:
    """Return a copy of a task in training mode and single precision.

    Args:
        task: with the weights that training starts from.
        device: where the copy is to work.
        plain: without augmentation, regularizers and dropout.
    """
    made = copy.deepcopy(task).to(device).float().train()
    if plain:
        made.augments = []
        made.regularizers = nn.ModuleDict()
        made._needs_features = False
        for module in made.modules():
            if isinstance(module, _DropoutNd):
                module.p = 0.0
    return made


def whole(step: Step) -> Tensor:
    """Return what a training step minimises, `()`: data term plus every penalty."""
    return step.loss + sum(step.terms.values(), torch.zeros_like(step.loss))


def single(batch: Batch) -> Batch:
    """Return a batch with real inputs in single precision, as the double computes."""
    return batch._replace(x=batch.x.float()) if batch.x.is_floating_point() else batch
