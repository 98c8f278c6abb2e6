"""The learning rate of every group: its own, times what the schedule says."""

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

from seedbed.types import Clock, Schedule, Unfit


def multiplied(optimizer: Optimizer) -> Optimizer:
    """Turn the `lr_multiplier` of every group into a rate of its own, before any schedule."""
    for group in optimizer.param_groups:
        group["lr"] *= group.pop("lr_multiplier", 1.0)
        group["initial_lr"] = group["lr"]
    return optimizer


def renewed(saved: dict[str, Any], optimizer: Optimizer, *, same: bool) -> dict[str, Any]:
    """Return a saved state of an optimizer with the hyper-parameters that `optimizer` has.

    Args:
        saved: what its `state_dict` was.
        optimizer: as the config describes it, with the weights that it is to hold.
        same: whether the saved one was of this kind; else, or where the groups hold other
            weights, nothing of its state is taken.
    """
    fresh = optimizer.state_dict()
    weights = [[group["params"] for group in state["param_groups"]] for state in (saved, fresh)]
    return (
        {**saved, "param_groups": fresh["param_groups"]}
        if same and weights[0] == weights[1]
        else fresh
    )


def factors(schedule: Schedule, optimizer: Optimizer, start: Clock) -> list[Callable[[int], float]]:
    """Return for every group the factor on its rate, as a function of the updates made.

    Raises:
        Unfit: the schedule does not go with a training of this length.
    """
    check = getattr(schedule, "check", None)
    try:
        if check is not None:
            check(start)
    except ValueError as error:
        raise Unfit(f"scheduler: {error}") from error

    def factor_of(lr: float) -> Callable[[int], float]:
        return lambda step: schedule(Clock(step, start.total, start.per_epoch, lr))

    return [factor_of(float(group["lr"])) for group in optimizer.param_groups]


def set_rates(optimizer: Optimizer, factors: list[Callable[[int], float]], step: int) -> None:
    """Give every group the rate of the next update."""
    for group, factor in zip(optimizer.param_groups, factors, strict=True):
        group["lr"] = group["initial_lr"] * factor(step)
