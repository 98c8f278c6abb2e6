"""A few examples to be learned by heart: what cannot do that has a bug.

Source: Karpathy 2019, "A Recipe for Training Neural Networks" ("overfit one batch"),
https://karpathy.github.io/2019/04/25/recipe/.
"""

import math
from typing import Any

import torch
from torch.optim import Optimizer

from seedbed.preflight._chance import chance, least
from seedbed.preflight._start import losses
from seedbed.preflight._supply import Supply
from seedbed.preflight._train import Clip, Make, Watch, train
from seedbed.randomness import permutation
from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Step

EXAMPLES, STEPS = 16, 300
ADAM = (1e-3, 1e-2)  # its rates, where the configured optimizer does not get there
NUMBERS = 10  # parameters an example, with which any net can


def handful(supply: Supply, kind: str) -> Batch:
    """Return examples to memorise, no two inputs alike, of as many classes as there are."""
    rows = supply.rows("train", 2_000)
    _, which = rows.x.flatten(1).unique(dim=0, return_inverse=True)
    order = permutation(len(rows.y), 1).tolist()
    groups: dict[int, list[int]] = {}
    seen: set[int] = set()
    for at in order:
        label = int(rows.y[at]) if kind == "class" and not rows.y.is_floating_point() else 0
        if label >= 0 and int(which[at]) not in seen:
            seen.add(int(which[at]))
            groups.setdefault(label, []).append(at)
    rounds = max(map(len, groups.values()), default=0)
    turns = [each[k] for k in range(rounds) for _, each in sorted(groups.items()) if k < len(each)]
    return rows.at(torch.tensor(turns[:EXAMPLES]))


def accuracy(task: Supervised, step: Step) -> float | None:
    """Return the share of right answers, None of real numbers."""
    if task.spec.kind == "value":
        return None
    scores, y = task.spec.scores(step.logits.detach()), task.labels(step.batch.y)
    return float((scores.argmax(-1) == y).double().mean())


def memorise(
    make: Make, batch: Batch, clip: Clip | None, watch: Watch, *, own: bool = False
) -> dict[str, Any]:
    """Return the fact `memory_of`: as configured, or else by Adam.

    Args:
        make: returns doubles.
        batch: to be memorised.
        clip: cuts gradients.
        watch: the time that is left.
        own: whether the task has a loss of its own, whose start then stands for knowing nothing.
    """
    first = make(plain=True)
    answers = not own or bool(first.spec.episode)
    floor = 0.0 if own else least(first, batch.y)
    base = float(losses(first, [batch])) if own else chance(first, batch.y)[0]
    numbers = sum(p.numel() for p in first.parameters() if p.requires_grad)
    found: dict[str, Any] = {}
    for by in ("config", *(f"Adam at {rate:g}" for rate in ADAM)):
        task = first if by == "config" else make(plain=True)
        if by == "config":
            optimizer = task.make_optimizer()
        else:
            parameters = [p for p in task.parameters() if p.requires_grad]
            optimizer = torch.optim.Adam(parameters, float(by.split()[-1]))
        for group in optimizer.param_groups:
            group["weight_decay"] = 0.0
        result = by_heart(task, batch, optimizer, clip, (base - floor, floor), watch, answers)
        found = {
            **result,
            "by": by,
            "n": len(batch.y),
            "base": base - floor,
            "parameters": numbers,
            "needed": NUMBERS * len(batch.y),
        }
        if result["done"] or result["cut"]:
            break
    return {"memory_of": found}


def by_heart(
    task: Supervised,
    batch: Batch,
    optimizer: Optimizer,
    clip: Clip | None,
    costs: tuple[float, float],
    watch: Watch,
    answers: bool,
) -> dict[str, Any]:
    """Train on one batch until it is memorised, or for `STEPS` steps.

    Args:
        task: a double.
        batch: to be memorised.
        optimizer: over its parameters.
        clip: cuts gradients.
        costs: of knowing nothing above the least possible loss, and the latter.
        watch: the time that is left.
        answers: whether every answer must be right, too.
    """
    base, floor = costs
    steps, loss, acc, done = 0, math.inf, None, False
    batches = (batch for _ in range(STEPS + 1))
    for step in train(task, batches, optimizer, clip=clip):
        loss, acc = float(step.loss.detach()) - floor, accuracy(task, step) if answers else None
        done = loss < 0.1 * base and acc in (None, 1.0)
        if done or watch.over or steps == STEPS or not math.isfinite(loss):
            break
        steps += 1
    loss = loss if math.isfinite(loss) else 1e9
    cut = not done and watch.over
    return {"steps": steps, "loss": loss, "acc": acc, "done": done, "cut": cut}
