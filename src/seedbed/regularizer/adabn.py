"""Adaptive batch normalisation: every domain is normalised by its own statistics.

Formula: y = γ (x - μ_d) / √(σ_d² + ε) + β, μ_d and σ_d² of the domain d of the example alone
Source: Li, Wang, Shi, Liu & Hou 2016, "Revisiting Batch Normalization For Practical Domain
    Adaptation", algorithm 1, https://arxiv.org/abs/1603.04779

The statistics of the target are collected while training, not in a pass over its examples
afterwards: as running means, with the layer's own momentum.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from seedbed.regularizer._domains import exactly, refuse_one_domain
from seedbed.regularizer._sums import wide
from seedbed.types import Batch, Regularizer, Spec


class AdaBN(Regularizer):
    """Normalises the examples of each domain by themselves, in training and in evaluation.

    Scale and shift are shared.  Examples whose class is hidden then have no say in the weights:
    they are those of a training on the other domains alone.  The model itself keeps the
    statistics of the last domain, the target, which is what is predicted, exported and
    compressed for; batches that say their domain are evaluated with those of their own.  A
    domain's only example in a batch has no spread, and is normalised to 0 in dense layers.

    Raises:
        ValueError: the model has no batch norm with running statistics, or the data fewer than
            two domains.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norms: list[_BatchNorm] = []  # the model's own, which a list does not register
        self.others = nn.ModuleList()  # for each of them, statistics of all domains but the last

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Find the batch norms and make room for the statistics of every domain."""
        refuse_one_domain(spec)
        found = (m for m in model.modules() if isinstance(m, _BatchNorm))
        self.norms = [norm for norm in found if norm.running_mean is not None]
        if not self.norms:
            raise ValueError(
                "it needs a model with batch norm, this one has none; model.norm=batch"
            )
        self.others = nn.ModuleList(
            nn.ModuleList(statistics(norm) for _ in spec.domains[:-1]) for norm in self.norms
        )

    def during(self, batch: Batch) -> AbstractContextManager[Any]:
        """Normalise by domain; as the target, where a batch does not say what it is."""
        return nullcontext() if batch.domain is None else self._by(batch.domain)

    @contextmanager
    def _by(self, domain: Tensor) -> Iterator[None]:
        for norm, others in zip(self.norms, self.others, strict=True):
            keepers = [*cast(Any, others), norm]  # in the order of the domains
            cast(Any, norm).forward = partial(normalised, norm, keepers, domain)
        try:
            yield
        finally:
            for norm in self.norms:
                del norm.forward  # the class's own again


def statistics(norm: _BatchNorm) -> _BatchNorm:
    """Return a batch norm like this one, but for scale and shift: it only keeps statistics."""
    assert norm.running_mean is not None
    kept = nn.BatchNorm1d(norm.num_features, norm.eps, norm.momentum, affine=False)
    return kept.to(norm.running_mean)


def normalised(norm: _BatchNorm, keepers: list[_BatchNorm], domain: Tensor, x: Tensor) -> Tensor:
    """Return `(B, C, ...)` normalised by the statistics of each example's domain.

    While training they are those of the batch, and the running ones follow.

    Args:
        norm: scale, shift, ε and mode.
        keepers: what keeps the running statistics of each domain.
        domain: which one each example is of, `(B,)`.
        x: what the layer is given.
    """
    z = wide(x)
    flat = z.reshape(*z.shape[:2], -1)  # (B, C, H·W)
    if norm.training:
        with exactly(flat):
            mean, var = of_batch(flat, domain, keepers)
    else:
        mean = torch.stack([cast(Tensor, keeper.running_mean) for keeper in keepers])
        var = torch.stack([cast(Tensor, keeper.running_var) for keeper in keepers])
    scale = (wide(var) + norm.eps).rsqrt()  # (D, C)
    flat = (flat - wide(mean)[domain].unsqueeze(-1)) * scale[domain].unsqueeze(-1)
    if norm.affine:
        flat = flat * norm.weight.view(-1, 1) + norm.bias.view(-1, 1)
    return flat.reshape(z.shape).to(x.dtype)


def of_batch(flat: Tensor, domain: Tensor, keepers: list[_BatchNorm]) -> tuple[Tensor, Tensor]:
    """Return each domain's mean and variance in this batch, `(D, C)`, and keep them.

    Args:
        flat: values `(B, C, L)`.
        domain: `(B,)`.
        keepers: where the running statistics go.
    """
    member = nn.functional.one_hot(domain, len(keepers)).to(flat)  # (B, D)
    counts = member.sum(0).unsqueeze(1) * flat.shape[2]  # (D, 1)
    weight = member / counts.squeeze(1).clamp(min=1)
    mean = weight.T @ flat.sum(2)
    var = weight.T @ (flat - mean[domain].unsqueeze(-1)).square().sum(2)
    with torch.no_grad():
        unbiased = var * counts / (counts - 1).clamp(min=1)
        for place, keeper in enumerate(keepers):
            keep(keeper, mean[place], unbiased[place], counts[place] > 1)
    return mean, var


def keep(keeper: _BatchNorm, mean: Tensor, var: Tensor, there: Tensor) -> None:
    """Let running statistics follow those of a batch, `(C,)`, if the domain is in it, `(1,)`."""
    assert keeper.running_mean is not None
    assert keeper.running_var is not None
    assert keeper.num_batches_tracked is not None
    keeper.num_batches_tracked += there.squeeze(0).to(torch.int64)
    momentum = keeper.momentum
    if momentum is None:  # every batch counts the same
        momentum = 1 / keeper.num_batches_tracked.clamp(min=1)
    for running, newest in ((keeper.running_mean, mean), (keeper.running_var, var)):
        running.lerp_(newest.to(running), there.to(running) * momentum)
