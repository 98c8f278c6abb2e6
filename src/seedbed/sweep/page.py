"""`report.html` of a sweep: the leaderboard, what each setting does, and the curves by group."""

import html
import os
import shlex
from collections.abc import Iterator, Sequence
from statistics import fmean

from seedbed.report import curves, parallel
from seedbed.report.axis import is_log_spaced
from seedbed.report.chart import chart
from seedbed.report.document import code, document, section, table
from seedbed.report.series import COLOURS, Look, Series
from seedbed.run.status import OK
from seedbed.sweep import board, finished, statistics
from seedbed.sweep.comparison import Comparison, Row
from seedbed.sweep.finished import Sweep
from seedbed.sweep.groups import Group
from seedbed.sweep.runs import Run, key, value
from seedbed.sweep.search import findings
from seedbed.sweep.search.findings import Findings

BANDS = COLOURS  # settings whose curves are drawn, the best
METRICS = 4  # that have curves by group


def page(sweep: Sweep, comparison: Comparison, found: Findings | None = None) -> str:
    """Return the page."""
    name = sweep.folder.resolve().name
    verdict = finished.unlogged(sweep) or comparison.verdict
    notes = [*board.legend(comparison), *board.losses(comparison), *sweep.notes]
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    parts = [
        f"<h1>sweep <small>{html.escape(name)}</small></h1>",
        f'<p class="verdict">{html.escape(verdict)}</p>',
        section("Leaderboard", leaderboard(comparison), f'<ul class="soft">{listed}</ul>'),
        section("Search", *searched(found)) if found else "",
        section("Settings together", together(comparison)),
        section("Setting by setting", grid(axes(comparison))),
        section("Curves", grid(bands(comparison))),
        section("Runs", jobs(sweep, comparison)),
        section(
            "Again",
            code(f"python train.py stages=report report.of={shlex.quote(str(sweep.folder))}"),
        ),
        section("Next", code(found.next)) if found and found.next else "",
    ]
    return document(f"sweep {name}", parts)


def searched(found: Findings) -> Iterator[str]:
    """Yield what a search has found: charts, what matters, and what lies at an end."""
    metrics, numbers = list(found.goals), [float(run.folder.name) for run in found.ended]
    values = [[run.metrics[name] for run in found.ended] for name in metrics]
    charts = []
    if len(metrics) > 1:
        places = [[run.metrics[name] for run in found.front] for name in metrics[:2]]
        clouds = [
            Series("trials", values[0], values[1], 0, dots=True),
            Series("front", places[0], places[1], 1, dots=True),
        ]
        charts.append(chart(f"{metrics[1]} over {metrics[0]}", clouds, Look(metrics[0])))
    elif found.ended:
        best = Series("best so far", numbers, findings.improving(found), 1)
        trials = Series("trials", numbers, values[0], 0, dots=True)
        charts.append(chart(f"{metrics[0]} by trial", [best, trials], Look("trial")))
    yield grid(iter(charts))
    for metric, shares in found.matters.items():
        rows = [
            [html.escape(name), f'<meter value="{part:.4f}"></meter>', f"{100 * part:.0f} %"]
            for name, part in sorted(shares.items(), key=lambda each: -each[1])
        ]
        heads = (f"what matters for {metric}", "", "of its variance (fANOVA)")
        yield table(heads, rows, numbers=[2])
    listed = "".join(f"<li>{html.escape(line)}</li>" for line in (*found.edges, *found.notes))
    yield f"<ul>{listed}</ul>" if listed else ""


def grid(charts: Iterator[str]) -> str:
    """Return charts side by side."""
    inside = "".join(charts)
    return f'<div class="charts">{inside}</div>' if inside else ""


def leaderboard(comparison: Comparison) -> str:
    """Return the table of the terminal, with p-values."""
    heads = [*board.heads(comparison), "p"]
    numbers = [1, 2, *range(4, len(heads) - 2), len(heads) - 1]
    rows = []
    for at, row in enumerate(comparison.rows):
        cells = board.line(row, comparison, first=at == 0)
        p = "" if row.p is None else f"{row.p:.2g}"
        rows.append([html.escape(cell) for cell in (*cells, p)])
    return table(heads, rows, numbers=numbers, kind="sortable")


def told(comparison: Comparison) -> list[tuple[Row, Run, float]]:
    """Return every run that has the metric, with its setting."""
    metric = comparison.metric
    return [
        (row, run, run.metrics[metric])
        for row in comparison.rows
        for run in row.group.runs.values()
        if run.status == OK and metric in run.metrics
    ]


def settings(group: Group, keys: Sequence[str]) -> dict[str, str]:
    """Return what a group sets of the keys in which groups differ."""
    said = {key(word): value(word) for word in group.setting}
    return {name: said.get(name, "–") for name in keys}


def together(comparison: Comparison) -> str:
    """Return parallel coordinates of all runs."""
    known = told(comparison)
    runs = [settings(row.group, comparison.keys) for row, _, _ in known]
    return parallel.picture(runs, [v for _, _, v in known], comparison.metric, comparison.mode)


def axes(comparison: Comparison) -> Iterator[str]:
    """Yield a chart for each key: every run, and the mean at each value."""
    known = told(comparison)
    for name in comparison.keys:
        places = [settings(row.group, comparison.keys)[name] for row, _, _ in known]
        numbers = [parallel.as_number(text) for text in places]
        metric = [v for _, _, v in known]
        if len(set(places)) < 2:
            continue
        if all(v is not None for v in numbers):
            x = [v for v in numbers if v is not None]
            yield plot(name, comparison.metric, x, metric, Look(name, log_x=is_log_spaced(x)))
        else:
            order = {text: float(at) for at, text in enumerate(dict.fromkeys(places))}
            names = {at: text for text, at in order.items()}
            x = [order[text] for text in places]
            yield plot(name, comparison.metric, x, metric, Look(name, names=names))


def plot(name: str, metric: str, x: Sequence[float], values: Sequence[float], look: Look) -> str:
    """Return a chart of a metric over one setting."""
    at = sorted(set(x))
    means = [fmean(v for u, v in zip(x, values, strict=True) if u == place) for place in at]
    series = [Series("mean", at, means, 1), Series("runs", x, values, 0, dots=True)]
    return chart(f"{metric} over {name}", series[look.names is not None :], look)


def bands(comparison: Comparison) -> Iterator[str]:
    """Yield a chart for each metric: the mean curve of every setting and its 95 % interval."""
    best = [row for row in comparison.rows if row.interval][:BANDS]
    read = [[history(run) for run in row.group.runs.values() if run.status == OK] for row in best]
    metrics = {name for group in read for run in group for name in run}
    first = [comparison.metric, "val/loss", "val/acc", "train/loss"]
    chosen = [name for name in dict.fromkeys(first) if name in metrics]
    for name in chosen[:METRICS]:
        series = [
            band(row.label, [run[name] for run in group if name in run], at, comparison.overlap)
            for at, (row, group) in enumerate(zip(best, read, strict=True))
        ]
        known = [each for each in series if each]
        low = min((v for each in known for v in each.y), default=0.0)
        yield chart(name, known, Look(log_y=name.endswith("/loss") and low > 0))


def history(run: Run) -> dict[str, curves.Curve]:
    """Return the curves of a run, {} where they cannot be read."""
    try:
        return curves.read(run.folder / "history.csv")
    except (OSError, ValueError, KeyError, TypeError, UnicodeDecodeError):
        return {}


def band(name: str, seeds: Sequence[curves.Curve], at: int, overlap: float) -> Series | None:
    """Return the mean over the seeds at every step that all of them have."""
    if not seeds:
        return None
    every = [dict(zip(*curve, strict=True)) for curve in seeds]
    steps = sorted(set.intersection(*(set(curve) for curve in every)))
    known = [statistics.interval([curve[step] for curve in every], overlap) for step in steps]
    mean = [each.mean for each in known]
    sides = None
    if len(seeds) > 1:
        half = [each.half or 0.0 for each in known]
        low = [m - h for m, h in zip(mean, half, strict=True)]
        sides = low, [m + h for m, h in zip(mean, half, strict=True)]
    return Series(name, steps, mean, at, sides)


def jobs(sweep: Sweep, comparison: Comparison) -> str:
    """Return a table of all runs, with links to their reports."""
    rows = []
    for run in sweep.jobs:
        name = html.escape(run.folder.name)
        if (run.folder / "report.html").is_file():
            name = f'<a href="{os.path.relpath(run.folder, sweep.folder)}/report.html">{name}</a>'
        known = run.metrics.get(comparison.metric)
        words = [
            w for w in run.words if key(w) in (*comparison.keys, "seed", "data.seed", "data.fold")
        ]
        mark = "ok" if run.status == OK else "ill"
        rows.append(
            [
                name,
                f'<span class="{mark}">{html.escape(run.status)}</span>',
                html.escape(" ".join(words)),
                "" if known is None else f"{known:.5g}",
                html.escape(run.damage or run.why),
            ]
        )
    inside = table(
        ("job", "status", "setting", comparison.metric, ""), rows, numbers=[3], kind="sortable"
    )
    return f"<details><summary>{len(rows)} runs</summary>{inside}</details>"
