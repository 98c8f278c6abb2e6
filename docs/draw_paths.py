"""The way that each optimizer takes down one and the same ravine."""

from functools import partial
from math import cos, pi, sin
from typing import Any

import numpy as np
import torch
from draw_option import made, picture
from ink import LIGHT
from matplotlib.figure import Figure
from torch import Tensor

from seedbed import help

STEPS, START = 40, (-3.0, 0.2)
ANGLE, STEEP = pi / 10, 18.0  # of the ravine to the horizontal; across it to along it
GIVEN: dict[str, dict[str, float]] = {  # with which the way shows what is special about it
    "adagrad": {"lr": 0.6},
    "adam": {"lr": 0.2},
    "adamw": {"lr": 0.2},
    "lion": {"lr": 0.08},
    "momentum": {"lr": 0.02},
    "muon": {"lr": 0.1},
    "nadam": {"lr": 0.2},
    "nesterov": {"lr": 0.02},
    "normalized": {"lr": 0.09},
    "rmsprop": {"lr": 0.1, "alpha": 0.9},
    "sgd": {"lr": 0.1},
}
SEEN = {
    "adagrad": "Long steps at first, then ever shorter ones along the ravine.",
    "adam": "Even steps, one swing across the ravine, and slowly to the minimum.",
    "adamw": "Adam's way; a weight decay of 0.01 is too small to be seen on it.",
    "lion": "Steps of one length on diagonals: down the slope, then zigzag along the ravine.",
    "momentum": "Wide swings across the ravine, and past the minimum and back.",
    "muon": "Steps of about one length in both directions, and past the minimum.",
    "nadam": "One bend into the ravine and along it, without the swing of Adam.",
    "nesterov": "One swing, soon damped; then along the ravine, a little past the minimum.",
    "normalized": "Steps of one length: straight down the slope, then along the ravine.",
    "rmsprop": "Long steps first, a bend into the ravine, then even steps along it.",
    "sgd": "A zigzag from slope to slope that narrows on its way to the minimum.",
}


ACROSS, DOWN = (-3.5, 2.2), (-1.9, 1.2)  # what is shown


def pictures() -> dict[str, str]:
    """Return every option's picture."""
    return {option: of(option) for option in help.options("optimizer")}


def of(option: str, **given: Any) -> str:
    """Return the picture of an option with some arguments `given`."""
    given = GIVEN.get(option, {}) | given
    path = way(option, **given)
    seen = SEEN.get(option, help.about("optimizer", option))
    return picture(seen, partial(plot, option, path, given), height=2.7)


def height(x: Any, y: Any) -> Any:
    """Return the loss at a place: a ravine that lies askew, lowest at (0, 0)."""
    along, across = x * cos(ANGLE) + y * sin(ANGLE), y * cos(ANGLE) - x * sin(ANGLE)
    return (along**2 + STEEP * across**2) / 2


def way(option: str, start: tuple[float, float] = START, **given: Any) -> Tensor:
    """Return the places that an optimizer comes to, `(STEPS + 1, 2)`, in double precision.

    They are the diagonal of a matrix, because muon makes more of a matrix than of a vector; to
    all others that is the same.
    """
    w = torch.diag(torch.tensor(start, dtype=torch.float64)).requires_grad_()
    optimizer = made("optimizer", option, offer={"params": [w]}, **given)
    places = [w.detach().diag()]
    for _ in range(STEPS):
        optimizer.zero_grad()
        height(*w.diag()).backward()
        optimizer.step()
        places.append(w.detach().diag().clone())
    return torch.stack(places)


def plot(option: str, path: Tensor, given: dict[str, Any], figure: Figure) -> None:
    """Draw a path on the ravine."""
    axes = figure.subplots()
    # numpy's, which are the same to the last bit with any instructions of the processor
    x, y = np.linspace(*ACROSS, 61), np.linspace(*DOWN, 35)
    surface = height(x[None, :], y[:, None])
    levels = [0.12 * 2.5**k for k in range(6)]
    axes.contour(x, y, surface, levels, colors=LIGHT["line"], linewidths=1)
    axes.plot(*path.T, "o-", markersize=2.5, linewidth=1.2, color=LIGHT["c0"])
    axes.plot(*path[0], "s", markersize=6, color=LIGHT["c1"], label="start")
    axes.plot(0, 0, "*", markersize=10, color=LIGHT["c2"], label="minimum")
    axes.legend(loc="lower right")
    words = " ".join(f"{k}={v}" for k, v in given.items())
    axes.set(title=f"optimizer={option} {words}, {STEPS} steps", aspect="equal")
    axes.set(xlim=ACROSS, ylim=DOWN)
    axes.set_axis_off()
