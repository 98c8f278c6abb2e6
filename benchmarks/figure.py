"""Draws the figure of an experiment from the folders of its runs, as its header asks for it.

A job of several seeds is thin lines and a thick one, their mean, and has one colour in all panels.
A line that stops before the others ends in a mark.  What has diverged has no say in the scale: its
line leaves the panel, and the legend, or the place of its bar, says "diverged".
"""

import math
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from curves import Job, curve_of, jobs, mean, points
from expected import DIVERGED
from panel import Panel

from seedbed.sweep.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

sys.path.append(str(Path(__file__).parents[1] / "docs"))  # where ink is
SHARES = ("acc", "auroc", "confidence", "f1", "seen", "unseen", "zeros")  # of 1
LONG = 26  # letters of a line of the legend
FEW = 12  # points, that are marked on their line


class Missing(ValueError):
    """What a figure is to show was not logged."""


def write(file: Path, title: str, panels: Sequence[Panel], found: Sequence[Run]) -> bool:
    """Draw the figure of some runs; return whether it shows anything but the one that was there.

    Raises:
        Missing: a metric was not logged.
    """
    import ink  # and with it matplotlib, which is slow to import

    every = jobs(found)
    named = len(every) > 1 and any(panel.over for panel in panels)
    letters = max(len(line) for job in every for line in (*job.words, job.fate)) if named else 0
    above = letters > LONG  # beside the panels the legend would take half of the page
    width = (4.2 if len(panels) == 1 else 3.4 * len(panels)) + (0 if above else 0.075 * letters)
    height = max([2.6, *(0.5 + 0.5 * len(every) for panel in panels if not panel.over)])
    height += 0.2 * len(every) if above else 0
    place = f"outside {'upper left' if above else 'right upper'}"
    text = ink.drawn(lambda figure: draw(figure, panels, every, place), width, height)
    text = text.replace("<style>", f"<title>{escape(title)}</title>\n<style>", 1)
    if file.is_file() and ink.same(text, file.read_text()):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return True


def draw(figure: "Figure", panels: Sequence[Panel], every: Sequence[Job], place: str) -> None:
    """Put the panels of some jobs on a figure, side by side, and one legend for all lines."""
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        axes.set_title(panel.metric, loc="left")
        (lines if panel.over else bars)(axes, panel, every)
    if len(every) < 2 or not (over := [panel for panel in panels if panel.over]):
        return
    from matplotlib.lines import Line2D

    falling = sorted(every, key=lambda job: -end(job, over[0]))  # as the lines end
    figure.legend(
        [Line2D([], [], **job.look) for job in falling],
        ["\n".join(filter(None, (*job.words, job.fate))) for job in falling],
        loc=place,
    )


def end(job: Job, panel: Panel) -> float:
    """Return where the line of a job ends; above all others, where it has diverged."""
    curve = mean([curve_of(run, panel) for run in job.ended])
    return curve[max(curve)] if curve else math.inf


def lines(axes: "Axes", panel: Panel, every: Sequence[Job]) -> None:
    """Draw a line a job, the scale made by those that have not diverged."""
    logged = [[curve_of(run, panel) for run in job.ended] for job in every]
    if not all(curve for curves in logged for curve in curves):
        raise Missing(f"{panel.metric} was not logged")
    last = max((max(curve) for curves in logged for curve in curves), default=0)
    for job, curves in zip(every, logged, strict=True):
        if len(curves) > 1:
            for curve in curves:
                axes.plot(*points(curve), lw=0.6, alpha=0.5, **job.look)
        if curve := mean(curves):
            marker = "o" if len(curve) <= FEW else ""
            axes.plot(*points(curve), marker=marker, markersize=3, **job.look)
            if max(map(max, curves)) < last:  # stopped, under the line of another perhaps
                axes.plot(max(curve), curve[max(curve)], "o", color=job.look["color"], zorder=3)
    scale(axes, panel)
    axes.autoscale_view()
    low, high = axes.get_ylim()
    axes.set_ylim(low, 30 * high if panel.log and any(job.fate for job in every) else high)
    axes.autoscale(enable=False)
    for job in every:
        for run in job.runs:
            if run.status == DIVERGED and (curve := curve_of(run, panel)):
                axes.plot(*points(curve), **job.look)
                x, (low, high) = max(curve), axes.get_ylim()
                axes.plot(
                    x, min(max(curve[x], low), high), "x", clip_on=False, color=job.look["color"]
                )


def scale(axes: "Axes", panel: Panel) -> None:
    """Give the axes few ticks, and those as plain numbers."""
    from matplotlib import ticker

    axes.set_xlabel(panel.over)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(5, integer=True))
    if panel.log:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        steps = (1.0,) if high > 100 * low else (1.0, 2.0, 5.0)
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=steps, numticks=6))
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
    else:
        axes.yaxis.set_major_locator(ticker.MaxNLocator(5))


def bars(axes: "Axes", panel: Panel, every: Sequence[Job]) -> None:
    """Draw a bar a job, its words above it and its value behind it."""
    for job in every:
        values = [run.metrics.get(panel.metric, math.nan) for run in job.ended]
        if any(map(math.isnan, values)):
            raise Missing(f"{panel.metric} was not logged")
        value = fmean(values) if values else 0.0
        said = [f"{value:.3g}" if values else "", f"({job.fate})" if values and job.fate else ""]
        axes.barh(job.at, value, height=0.4, color=job.look["color"])
        axes.annotate(
            " ".join(filter(None, said)) or job.fate,
            (max(value, 0), job.at),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
        axes.text(0, job.at - 0.27, " ".join(job.words), va="bottom")
        if len(values) > 1:
            axes.plot(values, [job.at] * len(values), "|", color=axes.xaxis.label.get_color())
    axes.set(ylim=(len(every) - 0.6, -0.7), yticks=[], xticks=[])
    axes.margins(x=0.3)
    if panel.metric.rpartition("/")[2] in SHARES:
        axes.set_xlim(0, 1.3)  # so that little looks little
    axes.spines["bottom"].set_visible(False)
