"""Losses over what the model says, penalties over a weight, activations over their input."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, get_args

import torch
from draw_option import made, picture
from ink import LIGHT
from matplotlib.figure import Figure
from torch import Tensor, nn

from seedbed.model._activation import Activation, activation_of
from seedbed.types import Batch, Step

# An even number of places: at 0 the slope of an absolute value hangs on the last bit.
ERRORS = torch.linspace(-4, 4, 80, dtype=torch.float64)
LOGITS = torch.linspace(-6, 6, 96, dtype=torch.float64)
WEIGHTS = torch.linspace(-2, 2, 80, dtype=torch.float64)


class Curve(NamedTuple):
    """A value over a number."""

    label: str
    measure: Callable[[Tensor], tuple[float, float]]  # () -> value and slope
    colour: str
    style: str = "-"


def losses() -> dict[str, str]:
    """Return the picture of every loss but `auto`, which is one of two others."""
    return {
        **{option: of(option) for option in ("mae", "mse", "huber")},
        "cross_entropy": cross_entropy(),
        "binary_cross_entropy": binary(),
        "kl_div": divergence(),
    }


def of(option: str, **given: Any) -> str:
    """Return the picture of a loss of real numbers, with the others in the background."""
    seen = {
        "mae": "A V: the loss grows with the error, its slope is -1 or 1 however large it is.",
        "mse": "A parabola: twice the error costs four times as much, the slope grows without end.",
        "huber": "A parabola around 0 that goes over into lines; the slope stays within -1 and 1.",
    }[option]
    loss = {o: made("loss", o, **given if o == option else {}) for o in ("mae", "mse", "huber")}
    curves = [
        Curve(o, partial(of_error, loss[o]), "c0" if o == option else "soft", style)
        for o, style in (("mae", ":"), ("mse", "--"), ("huber", "-."))
    ]
    curves = [c._replace(style="-") if c.label == option else c for c in curves]
    own = sorted(curves, key=lambda curve: curve.label == option)
    return picture(seen, partial(plot, own, ERRORS, "prediction - target", (-0.2, 6)))


def sloped(value: Tensor, x: Tensor) -> tuple[float, float]:
    """Return a value and its slope over `x`."""
    (slope,) = torch.autograd.grad(value, x)
    return value.item(), slope.item()


def of_error(loss: nn.Module, error: Tensor) -> tuple[float, float]:
    """Return the loss of one prediction that lies `error` above its target, and its slope."""
    x = error.clone().requires_grad_()
    return sloped(loss(x[None, None], torch.zeros(1, 1, dtype=x.dtype)), x)


def of_logit(loss: nn.Module, target: Tensor, others: int, z: Tensor) -> tuple[float, float]:
    """Return the loss of one example whose first class has logit `z`, `others` logit 0."""
    x = z.clone().requires_grad_()
    logits = torch.cat([x[None], torch.zeros(others, dtype=x.dtype)])
    return sloped(loss(logits[None], target[None]), x)


def cross_entropy() -> str:
    """Return the picture of the default of classes."""
    right, loss = torch.tensor(0), partial(made, "loss", "cross_entropy")
    curves = [
        Curve("2 classes", partial(of_logit, loss(), right, 1), "c0"),
        Curve("10 classes", partial(of_logit, loss(), right, 9), "c1", "--"),
        Curve(
            "2, label_smoothing=0.1",
            partial(of_logit, loss(label_smoothing=0.1), right, 1),
            "c2",
            "-.",
        ),
    ]
    seen = (
        "A line where the net is wrong, next to 0 where it is right; with label smoothing the "
        "loss rises again where the net is too sure."
    )
    return picture(seen, partial(plot, curves, LOGITS, "logit of the right class", (-0.2, 7)))


def binary() -> str:
    """Return the picture of the loss of a single logit."""
    loss = made("loss", "binary_cross_entropy")
    curves = [
        Curve("second class", partial(of_logit, loss, torch.tensor(1), 0), "c0"),
        Curve("first class", partial(of_logit, loss, torch.tensor(0), 0), "c1", "--"),
    ]
    seen = "Two mirrored curves: a large logit costs little if the second class is right, else much"
    return picture(f"{seen}.", partial(plot, curves, LOGITS, "the single logit", (-0.2, 7)))


def divergence() -> str:
    """Return the picture of the loss that is 0 where the net says the target's probabilities."""
    target = torch.tensor([0.8, 0.2], dtype=torch.float64)
    curves = [
        Curve(option, partial(of_logit, made("loss", option), target, 1), colour, style)
        for option, colour, style in (("cross_entropy", "soft", "--"), ("kl_div", "c0", "-"))
    ]
    seen = (
        "Of a target that is 80 % sure: the divergence is 0 where the net is as sure, the "
        "cross-entropy runs beside it, higher everywhere, with the same slope."
    )
    draw = partial(plot, curves, LOGITS, "logit of the class of 80 %", (-0.2, 4))
    return picture(seen, draw)


def penalties() -> dict[str, str]:
    """Return the pictures of the penalties on weights."""
    seen = {
        "l1": "A V: the pull towards 0 is the same for large and small weights.",
        "l2": "A parabola: large weights are pulled hard, small ones hardly at all.",
        "elastic_net": "Between a V and a parabola: small weights are pulled, large ones harder.",
    }
    kinds = {option: made("regularizer", option, coef=1.0) for option in seen}
    styles = dict(zip(seen, (":", "--", "-."), strict=True))
    found = {}
    for option, words in seen.items():
        order = sorted(kinds, key=lambda o, own=option: o == own)
        curves = [
            Curve(
                o,
                partial(of_weight, kinds[o]),
                *(("c0", "-") if o == option else ("soft", styles[o])),
            )
            for o in order
        ]
        draw = partial(plot, curves, WEIGHTS, "a weight", (-0.1, 2.1), what="penalty, coef=1")
        found[option] = picture(words, draw)
    return found


def of_weight(regularizer: Any, w: Tensor) -> tuple[float, float]:
    """Return the penalty on a model of one weight, and its slope."""
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(model.weight, w.item())
    return sloped(regularizer.penalty(Step(model, Batch(w, w), w, w)), model.weight)


def plot(
    curves: Sequence[Curve],
    at: Tensor,
    label: str,
    limits: tuple[float, float],
    figure: Figure,
    what: str = "loss",
) -> None:
    """Draw values and their slopes side by side."""
    left, right = figure.subplots(1, 2)
    for curve in curves:
        values, slopes = zip(*(curve.measure(one) for one in at), strict=True)
        for axes, y in ((left, values), (right, slopes)):
            axes.plot(at, y, curve.style, color=LIGHT[curve.colour], label=curve.label)
    left.set(title=what, xlabel=label, ylim=limits)
    right.set(title="its slope", xlabel=label)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)


def activations() -> str:
    """Return the picture of every activation."""
    names = get_args(Activation)
    seen = f"{', '.join(names)}: each over its input, its slope dashed."
    return picture(seen, partial(grid, names), height=3.0)


def grid(names: Sequence[Any], figure: Figure) -> None:
    """Draw each activation on its own axes."""
    panels = figure.subplots(2, -(-len(names) // 2), sharex=True).flat
    for axes, name in zip(panels, names, strict=False):  # of an odd number one stays empty
        x = ERRORS.clone().requires_grad_()
        y = activation_of(name)(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        axes.plot(x.detach(), slope, "--", color=LIGHT["c1"], label="slope")
        axes.plot(x.detach(), y.detach(), color=LIGHT["c0"], label="value")
        axes.set(title=name, xticks=(-4, 0, 4), ylim=(-1.3, 2.3))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
