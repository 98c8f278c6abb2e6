"""What a model costs and what it is worth: points, parameters, operations, milliseconds."""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seedbed.compress._workbench import place
from seedbed.types import Examples, Spec

AT_ONCE = 512  # examples that are evaluated together
ROUNDS = (15, 201)  # of timing, at least and at most
SECONDS = 1.0  # of process time for a model and a size of batch, about


@torch.no_grad()
def outputs_of(model: Callable[[Tensor], Tensor], examples: Examples) -> Tensor:
    """Return the outputs of a model that runs on the CPU for a whole split, `(N, K)`."""
    starts = range(0, len(examples.x), AT_ONCE)
    parts = (model(examples.x[start : start + AT_ONCE].float().cpu()) for start in starts)
    return torch.cat([part.float() for part in parts])


def points(outputs: Tensor, y: Tensor, spec: Spec) -> Tensor:
    """Return what each example is worth, `(N,)`; their mean is the score out of 100.

    Classes: accuracy in percent.  Values: 100 R², the mean over targets.
    """
    y = y.cpu()
    if spec.kind == "class":
        labels = y.argmax(-1) if y.is_floating_point() else y
        return 100.0 * (spec.scores(outputs).argmax(-1) == labels).double()
    y, outputs = y.double().reshape(len(y), -1), outputs.double().reshape(len(y), -1)
    spread = (y - y.mean(0)).square().mean(0)
    return (100.0 * (1 - (outputs - y).square() / spread)).mean(1)


def drop(before: Tensor, after: Tensor) -> tuple[float, float]:
    """Return what is gained from one model to another in points, and its standard error.

    Both were measured on the same N examples, so the error is that of their N differences.
    """
    gained = after - before
    error = gained.std() / len(gained) ** 0.5 if len(gained) > 1 else torch.tensor(float("nan"))
    return gained.mean().item(), error.item()


def parameters(model: nn.Module) -> tuple[int, int]:
    """Return how many numbers a model has learned, and how many of them are not 0."""
    learned = list(model.parameters())
    return sum(p.numel() for p in learned), sum(int(p.count_nonzero()) for p in learned)


@torch.no_grad()
def macs(model: nn.Module, x: Tensor) -> int:
    """Return the multiplications and additions of linear and convolutional layers an example.

    Args:
        model: raw inputs to outputs.
        x: inputs, `(B, ...)`.
    """
    with FlopCounterMode(display=False) as counter:
        model(x.to(place(model)))
    return counter.get_total_flops() // 2 // len(x)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one core, so that times compare."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def latencies(models: Mapping[str, Callable[[Tensor], object]], x: Tensor) -> dict[str, float]:
    """Return the median process time of a call of each model, in milliseconds.

    The models take turns, so that whatever else the machine does meets all of them alike.

    Args:
        models: each runs on the CPU, on one thread.
        x: inputs of one call, `(B, ...)`.
    """
    with one_thread():
        took: dict[str, list[float]] = {name: [] for name in models}
        for model in models.values():
            model(x)  # what is made at the first call
        slowest = max(timed(model, x) for model in models.values())
        least, most = ROUNDS
        for _ in range(min(most, max(least, int(SECONDS / max(slowest, 1e-6))))):
            for name, model in models.items():
                took[name].append(timed(model, x))
    return {name: 1e3 * statistics.median(times) for name, times in took.items()}


def timed(model: Callable[[Tensor], object], x: Tensor) -> float:
    """Return the seconds of this process that one call takes."""
    begun = time.process_time()
    model(x)
    return time.process_time() - begun


def load() -> float:
    """Return how many processes wanted to run in the last minute, for each core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
