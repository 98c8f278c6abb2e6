"""Learning curves from `history.csv`."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seedbed.atomic import naming
from seedbed.report.chart import chart
from seedbed.report.series import Look, Series

Span = tuple[float, float]  # first and last step
Curve = tuple[list[float], list[float]]  # steps, values
WIDTH, HEIGHT = 5.0, 3.0  # inches of a panel
LEFT, RIGHT, BOTTOM, TOP = 0.8, 0.15, 0.5, 0.35  # inches of it around the axes


def read(history: Path) -> dict[str, Curve]:
    """Return the curve of every column, without the steps at which it was not logged."""
    curves: dict[str, Curve] = {}
    with history.open(newline="") as file:
        for row in csv.DictReader(file):
            for name, text in row.items():
                if name not in ("step", "epoch") and text:
                    steps, values = curves.setdefault(name, ([], []))
                    steps.append(float(row["step"]))
                    values.append(float(text))
    return curves


def panels(curves: dict[str, Curve]) -> dict[str, list[str]]:
    """Return which curves share a picture: a metric's splits, then what else there is."""
    found: dict[str, list[str]] = {}
    for name in sorted(curves):
        split, _, metric = name.partition("/")
        if split in ("train", "val") and not name.endswith("_step"):
            found.setdefault(metric, []).append(name)
        elif split in ("gradient", "lr"):
            title = {"gradient": "gradient norm", "lr": "learning rate"}[split]
            if name in ("gradient/norm", "gradient/norm_before") or split == "lr":
                found.setdefault(title, []).append(name)
    order = sorted(found, key=lambda t: (t != "loss", t in ("gradient norm", "learning rate"), t))
    return {title: found[title] for title in order}


def charts(curves: dict[str, Curve], spans: Mapping[str, Span] | None = None) -> list[str]:
    """Return a chart for every panel, the gaps of validation to training, and what layers do."""
    found = []
    for title, names in panels(curves).items():
        log = title in ("loss", "gradient norm") and positive(curves, names)
        series = [Series(name, *curves[name], colour(name, at)) for at, name in enumerate(names)]
        found.append(chart(title, series, Look(log_y=log, spans=spans)))
    if gap := gaps(curves):
        found.append(chart("gap: validation - training", gap))
    for kind, title in (("gradient", "gradient by layer"), ("signal", "signal by layer")):
        names = [name for name in curves if re.fullmatch(rf"{kind}/\d+", name)]
        series = [Series(name, *curves[name], at) for at, name in enumerate(names)]
        found.append(chart(title, series, Look(log_y=positive(curves, names))))
    if "weight/norm" in curves:
        found.append(chart("weights", [Series("weight/norm", *curves["weight/norm"])]))
    return [each for each in found if each]


def positive(curves: dict[str, Curve], names: Sequence[str]) -> bool:
    """Return whether most numbers of some curves have a logarithm."""
    values = [v for name in names for v in curves[name][1]]
    return bool(values) and sum(v > 0 for v in values) > 0.9 * len(values)


def colour(name: str, at: int) -> int:
    """Return the colour of a curve: training and validation are the same everywhere."""
    return {"train": 0, "val": 1}.get(name.partition("/")[0], at)


def gaps(curves: dict[str, Curve]) -> list[Series]:
    """Return how far validation lies from training, wherever both were measured."""
    found = []
    for name in sorted(curves):
        split, _, metric = name.partition("/")
        other = dict(zip(*curves.get(f"train/{metric}", ([], [])), strict=True))
        if split == "val" and other:
            both = [(x, y - other[x]) for x, y in zip(*curves[name], strict=True) if x in other]
            found.append(Series(metric, [x for x, _ in both], [y for _, y in both], len(found)))
    return found


def draw(history: Path, target: Path, spans: Mapping[str, Span] | None = None) -> Path | None:
    """Draw the curves of a history to a PNG and return it, or None where nothing was logged.

    Args:
        history: `history.csv`.
        target: the PNG.
        spans: steps that are shaded, by what they show.
    """
    curves = read(history) if history.is_file() else {}
    chosen = panels(curves)  # a test alone has none
    if not chosen:
        return None
    import matplotlib as mpl  # slow to import

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    columns = min(2, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(WIDTH * columns, HEIGHT * rows),
        squeeze=False,
        gridspec_kw=spaced(rows, columns),
    )
    for axis in axes.flat[len(chosen) :]:
        axis.remove()
    for axis, (title, names) in zip(axes.flat, chosen.items(), strict=False):
        for name in names:
            axis.plot(*curves[name], label=name, marker="." if len(curves[name][0]) < 20 else None)
        shade(axis, spans or {})
        axis.set(title=title, xlabel="step")
        if title == "loss" and all(v > 0 for name in names for v in curves[name][1]):
            axis.set_yscale("log")
        axis.grid(alpha=0.3)
        axis.legend()
    with naming(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=110)
    plt.close(figure)
    return target


def spaced(rows: int, columns: int) -> dict[str, float]:
    """Return where panels lie, in shares of the figure and of their axes.

    To ask every label for the room that it needs takes as long as to draw them all.
    """
    width, height = WIDTH * columns, HEIGHT * rows
    return {
        "left": LEFT / width,
        "right": 1 - RIGHT / width,
        "bottom": BOTTOM / height,
        "top": 1 - TOP / height,
        "wspace": (LEFT + RIGHT) / (WIDTH - LEFT - RIGHT),
        "hspace": (BOTTOM + TOP) / (HEIGHT - BOTTOM - TOP),
    }


def shade(axis: Any, spans: Mapping[str, Span]) -> None:
    """Mark the steps that show something."""
    for colour, (what, (first, last)) in enumerate(spans.items(), 1):
        axis.axvspan(first, last, color=f"C{colour}", alpha=0.12, lw=0, label=what)
