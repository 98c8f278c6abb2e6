"""A learning-rate range test: the loss while the rate rises with every step.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3,
https://arxiv.org/abs/1506.01186; the valley rule: fastai, `callback.schedule.valley`,
https://docs.fast.ai/callback.schedule.html#valley.
"""

import math
from typing import Any

from seedbed.preflight._supply import Supply
from seedbed.preflight._train import Clip, Watch, at_rate, train
from seedbed.task.supervised import Supervised

LOWEST, HIGHEST = 1e-7, 10.0  # rates
SMOOTH = 0.9  # of the losses, an exponential mean
BLOWN = 4.0  # times the best loss: the test ends
GRAIN = 0.02  # of the whole descent; what is smaller is noise
FALL = 0.02  # of the loss at the start; less is no descent


def rate_range(
    task: Supervised, supply: Supply, clip: Clip | None, steps: int, watch: Watch
) -> dict[str, Any]:
    """Return the facts `rates` and `range_curve`: the loss at rates that rise with every step."""
    optimizer = task.make_optimizer()
    ladder = [LOWEST * (HIGHEST / LOWEST) ** (k / (steps - 1)) for k in range(steps)]
    configured = float(optimizer.param_groups[0]["initial_lr"])
    rates: list[float] = []
    smooth: list[float] = []
    mean = 0.0
    batches = (batch for batch, _ in zip(supply.feed(), ladder, strict=False))
    for step in train(task, batches, optimizer, lambda k: at_rate(optimizer, ladder[k]), clip):
        loss = float(step.loss.detach())
        mean = SMOOTH * mean + (1 - SMOOTH) * loss
        value = mean / (1 - SMOOTH ** (len(rates) + 1))
        if not math.isfinite(loss) or watch.over or (smooth and value > BLOWN * min(smooth)):
            break
        rates.append(ladder[len(rates)])
        smooth.append(value)
    return {
        "rates": {
            "configured": configured,
            "suggested": valley(rates, smooth),
            "limit": limit(rates, smooth, ended=len(rates) < steps and not watch.over),
        },
        "range_curve": {"rates": rates, "losses": smooth},
        **({"unmeasured": {"rates": "a step takes too long"}} if watch.over else {}),
    }


def valley(rates: list[float], losses: list[float]) -> float | None:
    """Return the rate in the middle of the longest descent; None without one.

    The descent is the longest decreasing subsequence of the losses, as long in steps as it is
    rich in members and ending with its last one; the rate is that at half of it.
    """
    fall = begun(losses) - min(losses) if losses else 0.0
    if len(losses) < 3 or fall <= FALL * abs(begun(losses)):
        return None
    grain = GRAIN * fall
    losses = [round(loss / grain) for loss in losses]  # or noise on the plain looks like a descent
    lengths = [1] * len(losses)
    for i, loss in enumerate(losses):
        lengths[i] += max((lengths[j] for j in range(i) if loss < losses[j]), default=0)
    end = max(range(len(losses)), key=lambda k: lengths[k])
    start = end - lengths[end]
    third = (end - start) / 3
    return rates[max(0, start + int(third) + int(third / 2))]


def begun(losses: list[float]) -> float:
    """Return the loss at the start: the mean of the first tenth, where rates are still tiny."""
    first = losses[: max(1, len(losses) // 10)]
    return sum(first) / len(first)


def limit(rates: list[float], losses: list[float], *, ended: bool) -> float | None:
    """Return the rate from which on the loss is above its start, None if it never was."""
    if not losses:
        return LOWEST if ended else None
    start = begun(losses)
    low = min(range(len(losses)), key=lambda k: losses[k])
    risen = [rate for rate, loss in zip(rates[low:], losses[low:], strict=True) if loss > start]
    return risen[0] if risen else rates[-1] if ended else None
