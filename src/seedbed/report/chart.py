"""Charts as SVG that can be read without a script, and zoomed with one."""

import html
import json
import math
from collections.abc import Sequence

from seedbed.report.axis import Axis, said, spanning
from seedbed.report.document import safe
from seedbed.report.series import COLOURS, DASHES, Look, Series, finite, thinned

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 8, 34
STYLES = ("solid", "dashed", "dotted")
UNIT = 1000  # width and height of the inner picture, which is stretched


def chart(title: str, series: Sequence[Series], look: Look | None = None) -> str:
    """Return a figure, nothing where there are no numbers."""
    look = look or Look()
    series = [thinned(finite(each, look)) for each in series]
    series = [each for each in series if each.x]
    if not series:
        return ""
    across = spanning([v for s in series for v in s.x], log=look.log_x, margin=0.02)
    ends = [v for s in series for side in (s.y, *(s.band or ())) for v in side]
    up = spanning([v for v in ends if v > 0 or not look.log_y], log=look.log_y)
    inside = "".join([*shades(look, across), *(drawn(each, across, up) for each in series)])
    picture = (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(told(title, series, look))}">'
        f'<g class="ticks">{ticks(across, up, look)}</g>'
        f'<svg class="plot" x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
        f'height="{HEIGHT - TOP - BOTTOM}" viewBox="0 0 {UNIT} {UNIT}" '
        f'preserveAspectRatio="none">{inside}</svg>'
        f'<text x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT - 3}" text-anchor="middle">'
        f"{html.escape(look.xlabel)}</text></svg>"
    )
    return (
        f"<figure><figcaption><b>{html.escape(title)}</b></figcaption>{legend(series, look)}"
        f'{picture}<script type="application/json">{content(series, across, up, look)}</script>'
        "</figure>"
    )


def drawn(series: Series, across: Axis, up: Axis) -> str:
    """Return the SVG of a series in the inner picture."""
    points = [at(x, y, across, up) for x, y in zip(series.x, series.y, strict=True)]
    ink = f"var(--c{series.colour % COLOURS})"
    found = []
    if series.band:
        low, high = series.band
        floor = up.low if up.log else -math.inf
        lower = [at(x, max(y, floor), across, up) for x, y in zip(series.x, low, strict=True)]
        upper = [at(x, y, across, up) for x, y in zip(series.x, high, strict=True)]
        found.append(f'<path class="band" fill="{ink}" d="M{"L".join(lower + upper[::-1])}Z"/>')
    if not series.dots:
        dash = f' stroke-dasharray="{DASHES[series.dash]}"' if series.dash else ""
        found.append(f'<path class="line" stroke="{ink}"{dash} d="M{"L".join(points)}"/>')
    if series.dots or len(points) < 20:
        width = 7 if series.dots else 5
        marks = "".join(f"M{point}h0" for point in points)  # round ends that are not stretched
        found.append(
            f'<path class="line" stroke="{ink}" stroke-linecap="round" '
            f'style="stroke-width:{width}" d="{marks}"/>'
        )
    return "".join(found)


def at(x: float, y: float, across: Axis, up: Axis) -> str:
    """Return where a point lies in the inner picture."""
    return f"{UNIT * across.place(x):.1f} {UNIT * (1 - up.place(y)):.1f}"


def shades(look: Look, across: Axis) -> list[str]:
    """Return the steps that show something, shaded."""
    found = []
    for what, (first, last) in (look.spans or {}).items():
        left, right = (UNIT * min(1, max(0, across.place(v))) for v in (first, last))
        found.append(
            f'<rect class="span" x="{left:.1f}" y="0" width="{max(2, right - left):.1f}" '
            f'height="{UNIT}"><title>{html.escape(what)}</title></rect>'
        )
    return found


def ticks(across: Axis, up: Axis, look: Look) -> str:
    """Return lines and numbers of the axes; the script draws them anew when it zooms."""
    found, bottom, right = [], HEIGHT - BOTTOM, WIDTH - RIGHT
    names = look.names or {value: said(value) for value in across.marks()}
    for value, name in names.items():
        x = LEFT + across.place(value) * (right - LEFT)
        found.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        found.append(
            f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{html.escape(name)}</text>'
        )
    for value in up.marks():
        y = bottom - up.place(value) * (bottom - TOP)
        found.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        found.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{said(value)}</text>')
    return "".join(found)


def legend(series: Sequence[Series], look: Look) -> str:
    """Return the names beside their colours."""
    found = [
        f'<span><i class="{STYLES[each.dash]}" style="border-color:'
        f'var(--c{each.colour % COLOURS})"></i>{html.escape(each.name)}</span>'
        for each in series
    ]
    found += [
        f'<span><i style="border-color:var(--c1);opacity:.4;border-width:8px"></i>'
        f"{html.escape(what)}</span>"
        for what in look.spans or ()
    ]
    return f'<div class="legend">{"".join(found)}</div>'


def told(title: str, series: Sequence[Series], look: Look) -> str:
    """Return the chart in words, for who cannot see it."""
    lines = [
        f"{s.name}: {said(s.y[0])} at first, {said(s.y[-1])} at last, "
        f"least {said(min(s.y))}, greatest {said(max(s.y))}"
        for s in series
    ]
    return f"{title} over {look.xlabel}. {'; '.join(lines)}."


def content(series: Sequence[Series], across: Axis, up: Axis, look: Look) -> str:
    """Return the numbers of a chart, for its script."""
    known = {
        "x": [across.scaled(across.low), across.scaled(across.high), across.log],
        "y": [up.scaled(up.low), up.scaled(up.high), up.log],
        "names": None if look.names is None else [[k, v] for k, v in look.names.items()],
        "xlabel": look.xlabel,
        "series": [
            {"name": s.name, "x": list(map(rounded, s.x)), "y": list(map(rounded, s.y))}
            for s in series
        ],
    }
    return safe(json.dumps(known, separators=(",", ":")))


def rounded(value: float) -> float:
    """Return a number in six digits."""
    return float(f"{value:.6g}")
