"""What knowing nothing costs: the loss of the best constant output."""

import math
from typing import Any

import torch
from torch import Tensor

from seedbed.task.supervised import Supervised
from seedbed.types import HIDDEN, Batch

MOST = 2_000_000  # numbers of the constant outputs


def constants(y: Tensor, kind: str, outputs: int, classes: int) -> list[Tensor]:
    """Return outputs `(K,)` of which one is the best constant of the usual losses.

    For classes the logits of their shares, and equal ones, which class weights may make best;
    for real numbers the mean and the median.
    """
    if kind == "value":
        return [y.mean(0), y.median(0).values]
    if y.is_floating_point():
        shares = y.mean(0)
    else:
        shares = y.bincount(minlength=classes).double() / max(1, len(y))
    logs = shares.clamp(min=1e-6).log().float()
    if outputs == 1:
        return [logs[1:] - logs[:1], torch.zeros(1)]
    return [logs, torch.zeros(classes)]


@torch.no_grad()
def chance(task: Supervised, y: Tensor) -> tuple[float, float]:
    """Return the loss of the best constant, and that of equal probabilities (NaN for values).

    Args:
        task: measures by its data term.
        y: targets of training, hidden ones included.
    """
    spec = task.spec
    if spec.kind == "class" and not y.is_floating_point():
        y = y[y != HIDDEN]
    width = max(1, spec.outputs, len(spec.classes))
    y = y[:: max(1, len(y) * width // MOST)].to(task.device)
    y = y.float() if y.is_floating_point() else y
    costs = []
    for logits in constants(y.cpu(), spec.kind, spec.outputs, len(spec.classes)):
        outputs = logits.to(task.device).expand(len(y), -1)
        costs.append(float(task.data_term(outputs, y)))
    return min(costs), costs[-1] if spec.kind == "class" else math.nan


@torch.no_grad()
def least(task: Supervised, y: Tensor) -> float:
    """Return the least loss that these targets allow: smoothed labels never cost nothing."""
    if task.spec.kind == "value":
        return float(task.data_term(y, y))
    if y.is_floating_point():
        return 0.0
    if task.spec.outputs == 1:
        sure = (2.0 * y.float() - 1).unsqueeze(1)
    else:
        sure = torch.nn.functional.one_hot(y, len(task.spec.classes)).float()
    sizes = [0.25 * 1.25**n for n in range(25)]
    return min(float(task.data_term(size * sure, y)) for size in sizes)


@torch.no_grad()
def is_own(task: Supervised, probe: Batch) -> bool:
    """Return whether a task minimises something else than its data term of outputs and targets."""
    if task.spec.episode:
        return True
    step = task.forward_step(probe)
    try:
        usual = float(task.data_term(step.logits, step.batch.y))
    except (ValueError, RuntimeError, TypeError, AttributeError, IndexError):
        return True
    return not math.isclose(usual, float(step.loss), rel_tol=1e-3, abs_tol=1e-6)


def facts(task: Supervised, y: Tensor) -> dict[str, Any]:
    """Return `base`, and for classes `uniform`."""
    if task.spec.episode:
        return {}
    base, uniform = chance(task, y)
    return {"base": base} | ({} if math.isnan(uniform) else {"uniform": uniform})
