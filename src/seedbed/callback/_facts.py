"""What a task and its data say about what its loss can be."""

import contextlib
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seedbed.types import Spec

MOST = 10_000  # targets that are looked at
SMALLEST = 8  # examples of a batch whose labels can be told from sorted ones


@torch.no_grad()
def facts_of(task: nn.Module, targets: Tensor | None) -> dict[str, Any]:
    """Return kind, classes, counts, and the loss of the best answer that ignores its input.

    Args:
        task: what is trained; one without a spec says nothing.
        targets: of training examples, `(N,)`, `(N, C)` or `(N, K)`; None if they are not at hand.
    """
    spec = getattr(task, "spec", None)
    if not isinstance(spec, Spec):
        return {}
    known: dict[str, Any] = {"kind": spec.kind}
    if spec.kind == "class":
        known |= {"classes": len(spec.classes) or spec.outputs, "counts": list(spec.counts)}
    plain = not (spec.masked or spec.coded or spec.episode)
    if plain and targets is not None and len(targets):
        with contextlib.suppress(Exception):  # a loss of another kind: then nothing is known of it
            base = base_of(task, spec, targets[:: max(1, len(targets) // MOST)])
            known |= {"base": base} if math.isfinite(base) and base > 0 else {}
    return known


def base_of(task: Any, spec: Spec, y: Tensor) -> float:
    """Return the loss of the best constant answer: the classes' shares, or a value's middle."""
    device = next(task.parameters()).device
    y = y.to(device)
    if spec.kind == "value":
        guesses = [y.mean(0), y.median(0).values]
    else:
        hot = y if y.is_floating_point() else nn.functional.one_hot(y, len(spec.classes)).float()
        shares = hot.float().mean(0).clamp(min=1e-6)
        prior = shares.log()
        prior = prior[1:] - prior[:1] if spec.outputs == 1 else prior
        guesses = [prior, torch.zeros_like(prior)]
    losses = [task.data_term(guess.expand(len(y), -1).contiguous(), y) for guess in guesses]
    return min(float(loss) for loss in losses)


def chance(counts: list[int], n: int) -> float:
    """Return the mean entropy of the labels of n examples drawn at random, in nats.

    Formula: E[H] = ln n - Σ E[nₖ ln nₖ] / n with nₖ of a binomial distribution.
    """
    shares = np.array(counts, float) / max(1, sum(counts))
    k = np.arange(1, n + 1)
    logs = np.cumsum(np.log(k))
    ways = logs[-1] - logs - np.append(logs[-2::-1], 0.0)
    total = 0.0
    for share in shares[(shares > 0) & (shares < 1)]:
        weight = np.exp(ways + k * np.log(share) + (n - k) * np.log1p(-share))
        total += float((weight * k * np.log(k)).sum())
    return math.log(n) - total / n


@torch.no_grad()
def entropy(y: Tensor, classes: int) -> Tensor:
    """Return the entropy of the labels of a batch, `()`, in nats, without waiting for a device."""
    ones = torch.ones(len(y), device=y.device)
    counts = torch.zeros(classes, device=y.device).index_add_(0, y, ones)
    return math.log(len(y)) - torch.xlogy(counts, counts).sum() / len(y)
