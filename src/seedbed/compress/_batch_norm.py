"""Batch norm's running statistics, measured anew.

Formula: μ = (1/N)·Σx, σ² = 1/(N - 1)·Σ(x - μ)² over all values of a channel in all batches
Source: Ioffe & Szegedy 2015, "Batch Normalization", algorithm 2 (the unbiased variance),
    https://arxiv.org/abs/1502.03167; Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm",
    section 3 (one set of weights, all examples counted equally), https://arxiv.org/abs/2105.07576
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from seedbed.types import Batch


class Pool:
    """Mean and variance of each channel over batches of any size, in double precision."""

    def __init__(self) -> None:
        self.count = self.batches = 0
        self.mean = self.squares = torch.zeros(())  # squares: Σ(x - mean)²

    def add(self, x: Tensor) -> None:
        """Take in `(B, C, ...)` (Chan et al. 1983, the pairwise update)."""
        axes = [0, *range(2, x.dim())]
        count = x.numel() // x.shape[1]
        var, mean = torch.var_mean(x.float() if x.dtype.itemsize < 4 else x, axes, correction=0)
        mean, squares = mean.cpu().double(), var.cpu().double() * count
        both, apart = self.count + count, mean - self.mean
        self.squares = self.squares + squares + apart**2 * (self.count * count / both)
        self.mean = self.mean + apart * (count / both)
        self.count, self.batches = both, self.batches + 1


@torch.no_grad()
def reestimate(net: nn.Module, batches: Iterable[Batch]) -> None:
    """Replace the running statistics of all batch norms by those of the examples in `batches`.

    Each layer sees what the layers before it make of a batch with the batch's own statistics, as
    in training; its own are pooled over all batches, so that every example counts the same and
    the difference between batches is part of the variance.  All other layers stay as they are:
    in eval mode no dropout.  Weights are not changed.  A last batch of one example joins the one
    before it.

    Args:
        net: raw inputs to outputs; untouched if it has no batch norm that keeps statistics.
        batches: on the net's device, two examples in all at least.

    Raises:
        ValueError: there is no batch, or but one value a channel.
    """
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    if not norms:
        return
    pools = {norm: Pool() for norm in norms}
    modes = {norm: norm.training for norm in norms}
    hooks = [norm.register_forward_pre_hook(_into(pools[norm])) for norm in norms]
    try:
        for norm in norms:
            norm.training = True
        for batch in _no_lone(batches):
            net(batch.x)
    finally:
        for hook in hooks:
            hook.remove()
        for norm, mode in modes.items():
            norm.training = mode
    for norm, pool in pools.items():
        _write(norm, pool)


def _into(pool: Pool) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """Return a hook that shows a layer's input to its pool."""
    return lambda _, inputs: pool.add(inputs[0])


def _no_lone(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the batches, a last one of a single example together with the one before it."""
    waiting: Batch | None = None
    for batch in batches:
        if waiting is None:
            waiting = batch
        elif len(batch.x) == 1:
            waiting = Batch(torch.cat([waiting.x, batch.x]), torch.cat([waiting.y, batch.y]))
        else:
            yield waiting
            waiting = batch
    if waiting is None:
        raise ValueError("batch norm's statistics need examples, got none")
    yield waiting


def _write(norm: _BatchNorm, pool: Pool) -> None:
    """Make a pool a layer's running statistics; one that no batch has reached keeps its own."""
    if pool.count < 2 or norm.running_mean is None or norm.running_var is None:
        return
    norm.running_mean.copy_(pool.mean)
    norm.running_var.copy_(pool.squares / (pool.count - 1))
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.fill_(pool.batches)
