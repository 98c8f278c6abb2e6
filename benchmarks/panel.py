"""What the figure of an experiment shows, as its header says it.

    # Figure:   signal/* over layer, log; gradient/* over layer, log
    #           val/loss over epoch from 5

A line, or what a `; ` parts, is a panel: `val/loss over epoch` or `over step` is a line a job,
`signal/* over layer` shows signal/1, signal/2, … as they were first logged, `weight/zeros` is a bar
a job, of its last value.  ` from 5` after an epoch or a step leaves out what was before, `, log`
makes the values logarithmic.
"""

import re
from dataclasses import dataclass

PANEL = re.compile(r"([\w./*]+)(?: over (epoch|step|layer))?(?: from (\d+))?(, log)?")


class Unreadable(ValueError):
    """A header that is not in the form."""


@dataclass(frozen=True)
class Panel:
    """What a part of the figure shows."""

    metric: str
    over: str  # epoch, step or layer; empty: a bar a job
    start: int  # the first epoch or step that is shown
    log: bool


def panel(text: str) -> Panel:
    """Return what a part of the figure is to show.

    Raises:
        Unreadable: it is in another form.
    """
    if not (found := PANEL.fullmatch(text)):
        raise Unreadable(
            f"Figure: {text!r}: 'metric over epoch', 'metric/* over layer' or 'metric' is expected"
        )
    metric, over, start, log = found.groups()
    if ("*" in metric) != (over == "layer"):
        raise Unreadable(f"Figure: {text!r}: a '*' stands for the number of a layer")
    if (start and over not in ("epoch", "step")) or (log and not over):
        raise Unreadable(f"Figure: {text!r}: a bar begins at 0, and layers at the first")
    return Panel(metric, over or "", int(start or 0), bool(log))
