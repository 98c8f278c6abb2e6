"""The learning rate over a training, as the schedule of each option says it."""

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any

from draw_option import made, picture
from ink import LIGHT
from matplotlib.figure import Figure

from seedbed import help
from seedbed.signature import parameters_of
from seedbed.types import Clock, Schedule

EPOCHS, UPDATES = 50, 10  # of the training; an epoch's
SHOWN: dict[str, tuple[dict[str, Any], str]] = {  # what else is drawn, and what one sees
    "constant": ({}, "A flat line; with a warm-up it rises for five epochs first."),
    "cosine": ({"final": 0.1}, "Half a wave from the full rate down to 0, or to a tenth."),
    "exponential": (
        {"gamma": 0.9},
        "Small stairs, each a twentieth lower than the last; with gamma=0.9 a tenth.",
    ),
    "linear": ({"drop": 0.2, "every": 10}, "A straight line down to 0, or five equal stairs."),
    "one_cycle": (
        {"anneal": "linear"},
        "Up to the full rate in the first third, down to nearly 0 in the rest; or on two lines.",
    ),
    "step": (
        {"milestones": [25, 40]},
        "Stairs on a logarithmic scale: a tenth every ten epochs, or at two chosen ones.",
    ),
    "wsd": ({"shape": "sqrt"}, "The full rate for four fifths, then a line or a root down to 0."),
}
FLOORS = (0.9, 0.4, 0.25, 0.2)  # where a loss stalls before each fall of the rate


def pictures() -> dict[str, str]:
    """Return every option's picture."""
    return {option: of(option) for option in help.options("scheduler")}


def of(option: str, **given: Any) -> str:
    """Return the picture of an option with some arguments `given`."""
    if hasattr(schedule(option, **given), "observe"):
        return reacting(option, **given)
    other, seen = SHOWN.get(option, ({}, help.about("scheduler", option)))
    curves = {f"scheduler={option}": schedule(option, **given)}
    if "warmup" in parameters_of(type(curves[f"scheduler={option}"])):
        curves["warmup=5"] = schedule(option, **given, warmup=5)
    if other:
        words = ", ".join(f"{k}={str(v).lower()}" for k, v in other.items())
        curves[words] = schedule(option, **given | other)
    return picture(seen, partial(plot, option, curves))


def schedule(option: str, **given: Any) -> Any:
    """Return an option's schedule."""
    return made("scheduler", option, offer={"monitor": "val/loss", "mode": "min"}, **given)


def rates(schedule: Schedule) -> list[float]:
    """Return the factor at every update."""
    total = EPOCHS * UPDATES
    return [schedule(Clock(step, total, UPDATES)) for step in range(total)]


def plot(option: str, curves: dict[str, Schedule], figure: Figure) -> None:
    """Draw the rates of several schedules."""
    axes = figure.subplots()
    epochs = [step / UPDATES for step in range(EPOCHS * UPDATES)]
    for (label, one), style in zip(curves.items(), ("-", "--", "-."), strict=False):
        axes.plot(epochs, rates(one), style, label=label)
    axes.set(xlabel="epoch", ylabel="share of the rate", xlim=(0, EPOCHS))
    if option == "step":
        axes.set(yscale="log")
    else:
        axes.set(ylim=(-0.03, 1.06))
    figure.legend(loc="outside upper center", ncols=3)


def reacting(option: str, **given: Any) -> str:
    """Return the picture of a schedule that looks at a metric: a made-up loss that stalls."""
    one, loss = schedule(option, **given), 2.5
    losses, factors = [loss], [1.0]
    for epoch in range(1, EPOCHS):
        floor = FLOORS[min(one.falls, len(FLOORS) - 1)]
        loss = round(loss + 0.4 * (floor - loss), 2)  # rounded, it stands still in the end
        clock = Clock(epoch * UPDATES, inf, UPDATES)
        one.observe(loss, clock)
        losses.append(loss)
        factors.append(one(clock))
    seen = "A loss that stalls again and again; some epochs later the rate falls to a tenth."
    return picture(seen, partial(both, losses, factors), height=2.8)


def both(losses: Sequence[float], factors: Sequence[float], figure: Figure) -> None:
    """Draw a loss above the rate that it leads to."""
    upper, lower = figure.subplots(2, sharex=True)
    upper.plot(losses, color=LIGHT["c1"])
    upper.set(ylabel="val/loss", title="a loss that stalls (made up), and the rate")
    lower.plot(factors, drawstyle="steps-post")
    lower.set(yscale="log", xlabel="epoch", ylabel="share of the rate", xlim=(0, EPOCHS - 1))
    falls = [k for k in range(1, len(factors)) if factors[k] < factors[k - 1]]
    for axes in (upper, lower):
        for at in falls:
            axes.axvline(at, color=LIGHT["soft"], linestyle=":", linewidth=1)
