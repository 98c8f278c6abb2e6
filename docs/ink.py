"""Figures for the pages: SVG that is light or dark as the reader's system is.

matplotlib draws in the colours of the light page; they are then named, and a style in the file says
what each name means in either.  Numbers are rounded to a tenth of a pixel, and nothing of the day
or the machine is written, so that a figure is drawn anew only where something has changed.
"""

import io
import re
from collections.abc import Callable
from math import isclose

import matplotlib as mpl
from matplotlib.figure import Figure

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1c1c1e",
    "soft": "#5c5c66",
    "line": "#d8d8de",
    "c0": "#0072b2",
    "c1": "#d55e00",
    "c2": "#009e73",
    "c3": "#b5509a",
    "c4": "#9a6a00",
    "c5": "#2e9bd6",
}
DARK = {
    "paper": "#17171a",
    "ink": "#ececf0",
    "soft": "#a3a3ad",
    "line": "#3a3a42",
    "c0": "#56b4e9",
    "c1": "#ff9a5c",
    "c2": "#3fc79a",
    "c3": "#e79ad0",
    "c4": "#e6c04a",
    "c5": "#9cc9ff",
}
COLOURS = [LIGHT[f"c{n}"] for n in range(6)]  # they stay apart for the colour-blind
SETTINGS = {
    "svg.hashsalt": "seedbed",
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.edgecolor": LIGHT["soft"],
    "axes.labelcolor": LIGHT["ink"],
    "axes.facecolor": LIGHT["paper"],
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "figure.facecolor": LIGHT["paper"],
    "grid.color": LIGHT["line"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "path.simplify": False,  # a last bit would decide which points are left out
    "text.color": LIGHT["ink"],
    "xtick.color": LIGHT["soft"],
    "ytick.color": LIGHT["soft"],
}
LONG = re.compile(r"-?\d+\.\d{2,}(?=[^<>]*>)")  # within a tag: words stay as they are
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
NAMES = re.compile(r'(?<=id=")\w+|(?<=#)[a-z]\w{10}(?=[")])')  # of shapes, by their last digit


def drawn(draw: Callable[[Figure], None], width: float = 4.8, height: float = 2.6) -> str:
    """Return what `draw` puts on a figure, as SVG.

    Args:
        draw: uses the colours of `LIGHT` alone, but for pictures.
        width: in inches; a page has 72 pixels an inch.
        height: in inches.
    """
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator")))
    return styled(rounded(target.getvalue()))


def rounded(text: str) -> str:
    """Return SVG with a digit behind the point in every path, place and size."""
    return LONG.sub(lambda found: f"{float(found[0]):.1f}", text)


def styled(text: str) -> str:
    """Return SVG whose colours have names, with what they mean on a light and on a dark page."""
    for name, colour in LIGHT.items():
        text = text.replace(colour, f"var(--{name})")
    light, dark = (";".join(f"--{k}:{v}" for k, v in of.items()) for of in (LIGHT, DARK))
    style = f"<style>:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    head, end, rest = text[text.index("<svg") :].partition(">\n")
    return f"{head}{end}{style}\n" + "\n".join(line.rstrip() for line in rest.split("\n"))


def same(one: str, other: str, apart: float = 0.25) -> bool:
    """Return whether two SVGs show the same: the same words, every number `apart` at most."""
    one, other = (NAMES.sub("", text) for text in (one, other))
    if NUMBER.sub("", one) != NUMBER.sub("", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(isclose(float(a), float(b), abs_tol=apart) for a, b in pairs)
