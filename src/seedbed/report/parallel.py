"""Parallel coordinates: an upright axis for each setting, a line for each run."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seedbed.report.axis import Axis, is_log_spaced, said, spanning

WIDTH, HEIGHT, SIDE, TOP, BOTTOM = 980, 330, 70, 40, 16
SHADES = 5  # from the worst runs to the best


@dataclass(frozen=True)
class Upright:
    """An axis: where each value stands, and its marks."""

    name: str
    axis: Axis | None  # None: names at equal distances
    names: Sequence[str] = ()

    def place(self, value: str) -> float:
        """Return the height of a value, from 0 to 1."""
        if self.axis is not None:
            return self.axis.place(float(value))
        return (self.names.index(value) + 0.5) / len(self.names)

    def marks(self) -> list[tuple[float, str]]:
        """Return heights and what stands there."""
        if self.axis is not None:
            return [(self.axis.place(v), said(v)) for v in self.axis.marks()]
        return [(self.place(name), name) for name in self.names]


def upright(name: str, values: Sequence[str]) -> Upright:
    """Return the axis that suits some values: linear, logarithmic, or one of names."""
    numbers = [as_number(value) for value in values]
    known = [v for v in numbers if v is not None]
    if len(known) == len(values) and len(set(known)) > 1:
        return Upright(name, spanning(known, log=is_log_spaced(known)))
    return Upright(name, None, list(dict.fromkeys(values)))


def as_number(text: str) -> float | None:
    """Return a finite number as it was typed, None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def picture(
    runs: Sequence[Mapping[str, str]], values: Sequence[float], metric: str, mode: str
) -> str:
    """Return the figure, nothing where fewer than two settings vary or two runs are there.

    Args:
        runs: what was set in each, by key.
        values: the metric of each, finite.
        metric: its name.
        mode: `min` if less is better, else `max`.
    """
    keys = list(dict.fromkeys(key for run in runs for key in run))
    if len(keys) < 2 or len(runs) < 2:
        return ""
    columns = [upright(key, [run.get(key, "–") for run in runs]) for key in keys]
    columns.append(Upright(metric, spanning(values)))
    order = sorted(range(len(runs)), key=lambda at: values[at], reverse=mode == "min")
    lines = []
    for rank, at in enumerate(order):  # the best are drawn last, on top
        known = [*(runs[at].get(key, "–") for key in keys), str(values[at])]
        depth = (rank + 1) * SHADES // len(order) / SHADES
        ink = "var(--c1)" if rank == len(order) - 1 else "var(--c0)"
        lines.append(path(columns, known, ink, max(0.12, depth)))
    uprights = [drawn(each, x(at, len(columns))) for at, each in enumerate(columns)]
    words = f"parallel coordinates of {len(runs)} runs over {', '.join(keys)} and {metric}"
    return (
        "<figure><figcaption>a line a run; the darker the better, the best in "
        '<b style="color:var(--c1)">another colour</b></figcaption>'
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(words)}">{"".join(lines)}{"".join(uprights)}</svg></figure>'
    )


def x(at: int, count: int) -> float:
    """Return where an axis stands."""
    return SIDE + at * (WIDTH - 2 * SIDE) / (count - 1)


def y(share: float) -> float:
    """Return the place of a height."""
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def path(columns: Sequence[Upright], values: Sequence[str], ink: str, depth: float) -> str:
    """Return the line of a run; to point at it tells its values."""
    points = [
        f"{x(at, len(columns)):.1f} {y(each.place(value)):.1f}"
        for at, (each, value) in enumerate(zip(columns, values, strict=True))
    ]
    words = "\n".join(f"{c.name} {v}" for c, v in zip(columns, values, strict=True))
    return (
        f'<path class="line" stroke="{ink}" style="opacity:{depth:.2f}" d="M{"L".join(points)}">'
        f"<title>{html.escape(words)}</title></path>"
    )


def drawn(each: Upright, place: float) -> str:
    """Return an axis with its name and marks."""
    found = [
        f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
        'stroke="var(--soft)"/>',
        f'<text x="{place:.1f}" y="{TOP - 16}" text-anchor="middle" '
        f'style="font-weight:600;fill:var(--ink)">{html.escape(each.name)}</text>',
    ]
    for share, name in each.marks():
        short = name if len(name) < 14 else f"{name[:12]}…"
        found.append(
            f'<text x="{place + 5:.1f}" y="{y(share) + 4:.1f}" stroke="var(--paper)" '
            f'stroke-width="3" paint-order="stroke">{html.escape(short)}</text>'
        )
    return "".join(found)
