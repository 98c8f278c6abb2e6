"""What compression has done, from its `table.json`: a table, and a plot of size and speed."""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed.atomic import naming

Row = dict[str, Any]
HEAD = ("", "points", "Δ", "parameters", "zeros", "MACs", "size", "batch 1", "batch 64")


def read(folder: Path) -> dict[str, Any] | None:
    """Return the table of a run's compression, None if there is none."""
    file = folder / "compress/table.json"
    return json.loads(file.read_text()) if file.is_file() else None


def text(table: dict[str, Any]) -> str:
    """Return the table as lines of a terminal."""
    cells = [HEAD, *(line(row) for row in table["rows"])]
    widths = [max(len(row[k]) for row in cells) for k in range(len(HEAD))]
    rows = [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([*rows, "", *notes(table)])


def markdown(table: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---|{'---:|' * (len(HEAD) - 1)}"]
    lines += [f"| {' | '.join(line(row))} |" for row in table["rows"]]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes(table)), ""])


def page(table: dict[str, Any]) -> str:
    """Return the table in HTML."""
    rows = ["<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in HEAD) + "</tr>"]
    for row in table["rows"]:
        name, *cells = line(row)
        numbers = "".join(f'<td class="number">{html.escape(cell)}</td>' for cell in cells)
        rows.append(f"<tr><th>{html.escape(name)}</th>{numbers}</tr>")
    said = "".join(f"<li>{html.escape(note)}</li>" for note in notes(table))
    return f"<table>{''.join(rows)}</table><ul>{said}</ul>"


def line(row: Row) -> tuple[str, ...]:
    """Return the cells of a model."""
    zeros = 1 - row["nonzero"] / max(1, row["parameters"])
    return (
        row["name"],
        f"{row['points']:.2f}",
        "" if row["gained"] is None else f"{row['gained']:+.2f} ± {row['error']:.2f}",
        count(row["parameters"]),
        f"{zeros:.0%}",
        count(row["macs"]),
        f"{row['bytes'] / 1000:.0f} kB",
        *(speed(row, batch) for batch in ("1", "64")),
    )


def speed(row: Row, batch: str) -> str:
    """Return a latency, and how many times faster that is than the dense model."""
    if batch not in row["milliseconds"]:
        return ""
    return f"{row['milliseconds'][batch]:.3f} ms {row['speed_up'][batch]:.1f}×"


def count(number: int) -> str:
    """Return a number of things in at most four digits."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return str(number)


def notes(table: dict[str, Any]) -> list[str]:
    """Return how to read the table, and what each model should be known for."""
    lines = [
        f"points: {table['meaning']} on the {table['examples']} examples of the test split; "
        "Δ: against dense, ± one standard error of the paired differences",
        f"ms: process time of one call, one thread, median, {table['runtime']}, models by turns; "
        f"load {table['load']:.2f} a core; ×: faster than dense",
    ]
    named = [(row["name"], note) for row in table["rows"] for note in row["notes"]]
    return [*lines, *(f"{name}: {note}" for name, note in named)]


def draw(table: dict[str, Any], folder: Path) -> list[Path]:
    """Draw points against size and against time, to a PNG and an SVG, and return both."""
    import matplotlib as mpl  # slow to import

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "seedbed", "svg.fonttype": "none"})  # the same each time
    from matplotlib import pyplot as plt

    panels = [("size in kB", lambda row: row["bytes"] / 1000)]
    timed = [row for row in table["rows"] if "64" in row["milliseconds"]]
    if timed:
        panels.append(("ms for a batch of 64", lambda row: row["milliseconds"].get("64")))
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(5 * len(panels), 4),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for axis, (title, value) in zip(axes.flat, panels, strict=True):
        shown = [row for row in table["rows"] if value(row)]
        scatter(axis, shown, [value(row) for row in shown])
        axis.set(xlabel=title, xscale="log")
        axis.margins(x=0.2, y=0.1)
        for ticks in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
            ticks("{x:.3g}")
        axis.tick_params(axis="x", which="both", labelsize=7)
        axis.grid(alpha=0.3, which="both")
    axes.flat[0].set_ylabel(f"{table['meaning']}, ± one standard error")
    files = [folder / f"pareto.{kind}" for kind in ("png", "svg")]
    for file in files:
        with naming(file):
            figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else {})
    plt.close(figure)
    return files


def scatter(axis: Any, rows: Sequence[Row], values: Sequence[float]) -> None:
    """Draw models with their names and errors, and the front of the best.

    Controls are grey and hollow, what was not kept is red.
    """
    for row, x in zip(rows, values, strict=True):
        face = "none" if row["control"] else None
        axis.errorbar(
            x, row["points"], yerr=row["own_error"], fmt="o", mfc=face, color=shade(row), capsize=2
        )
        name = f"{row['name']} (not kept)" if row["stopped"] else row["name"]
        axis.annotate(name, (x, row["points"]), (6, 4), textcoords="offset points", size=8)
    best = front([(x, row["points"]) for row, x in zip(rows, values, strict=True)])
    axis.plot(*zip(*best, strict=True), color="grey", lw=1, ls="--", zorder=0)


def shade(row: Row) -> str:
    """Return the colour of a model."""
    return "tab:grey" if row["control"] else "tab:red" if row["stopped"] else "tab:blue"


def front(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return those `(cost, points)` for which no other costs as little and is worth as much."""
    best: list[tuple[float, float]] = []
    for cost, worth in sorted(places, key=lambda each: (each[0], -each[1])):
        if not best or worth > best[-1][1]:
            best.append((cost, worth))
    return best
