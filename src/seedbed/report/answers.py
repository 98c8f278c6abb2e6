"""What the model answered on the test split, from `test.json`: errors by class and as pictures."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seedbed.report.chart import chart
from seedbed.report.document import table
from seedbed.report.series import Look, Series

Matrix = Sequence[Sequence[int]]


def read(folder: Path) -> dict[str, Any]:
    """Return the content of `test.json`, {} if there is none or it is damaged."""
    try:
        content = json.loads((folder / "test.json").read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def matrix(known: Mapping[str, Any]) -> str:
    """Return the confusion matrix: a row a true class, a column an answer."""
    cells, names = known.get("confusion"), known.get("classes")
    if not cells or not names:
        return ""
    heads = [html.escape(name) for name in names]
    top = "".join(f'<th scope="col">{name}</th>' for name in heads)
    rows = ""
    for at, (name, row) in enumerate(zip(heads, cells, strict=True)):
        shades = "".join(shaded(row, at, k) for k in range(len(row)))
        rows += f'<tr><th scope="row">{name}</th>{shades}</tr>'
    return (
        "<p>rows: the true class; columns: the answer; shade: share of the row</p>"
        f'<div class="wide"><table class="matrix"><thead><tr><th></th>{top}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def shaded(row: Sequence[int], at: int, k: int) -> str:
    """Return a cell of the matrix: right answers in one colour, wrong ones in another."""
    share = row[k] / max(1, sum(row))
    depth = 100 * (0.65 * share if k == at else min(0.65, 0.1 + 1.5 * share)) if row[k] else 0
    ink = "--c0" if k == at else "--c1"
    style = f"background:color-mix(in srgb, var({ink}) {depth:.0f}%, transparent)"
    return f'<td style="{style}" title="{share:.1%}">{row[k] or "·"}</td>'


def by_class(known: Mapping[str, Any]) -> str:
    """Return precision, recall and F1 of every class, the worst first."""
    cells, names = known.get("confusion"), known.get("classes")
    if not cells or not names:
        return ""
    found = sorted(scores(cells, names), key=lambda each: each[3])
    rows = [
        [html.escape(name), *(f"{v:.3f}" for v in numbers), str(count)]
        for name, *numbers, count in found
    ]
    heads = ("class", "precision", "recall", "F1", "examples")
    return table(heads, rows, numbers=range(1, 5), kind="sortable")


def scores(cells: Matrix, names: Sequence[str]) -> Iterator[tuple[str, float, float, float, int]]:
    """Yield name, precision, recall, F1 = 2 TP / (2 TP + FP + FN) and number of each class."""
    for at, name in enumerate(names):
        right, count = cells[at][at], sum(cells[at])
        said = sum(row[at] for row in cells)
        precision, recall = right / max(1, said), right / max(1, count)
        yield name, precision, recall, 2 * right / max(1, said + count), count


def worst(known: Mapping[str, Any]) -> str:
    """Return the worst errors: as pictures where the inputs are some, else as a table."""
    errors, classes = known.get("worst") or (), known.get("classes")
    if not errors:
        return ""
    if all("picture" in each for each in errors):
        return f'<div class="pictures">{"".join(map(picture, errors))}</div>'
    measure = "chance of the target" if classes else "error"
    rows = [
        [str(e["index"]), *(html.escape(shown(e[k])) for k in ("target", "prediction", "score"))]
        for e in errors
    ]
    return table(("example", "target", "prediction", measure), rows, numbers=[3])


def picture(error: Mapping[str, Any]) -> str:
    """Return an image and what it was taken for."""
    target, answer = html.escape(shown(error["target"])), html.escape(shown(error["prediction"]))
    words = f"example {error['index']}: {target}, taken for {answer}"
    return (
        f'<figure><img alt="{words}" src="data:image/png;base64,{html.escape(error["picture"])}">'
        f"<figcaption><b>{target}</b> taken for <b>{answer}</b><br>example {error['index']}, "
        f"p({target}) {error['score']:.2g}</figcaption></figure>"
    )


def shown(value: Any) -> str:
    """Return a name, or a number in four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def pairs(known: Mapping[str, Any]) -> str:
    """Return predictions over targets, where those are numbers."""
    if not known.get("pairs"):
        return ""
    targets, answers = known["pairs"]
    ends = [min(targets), max(targets)]
    series = [
        Series("perfect", ends, ends, 1),
        Series("test examples", targets, answers, 0, dots=True),
    ]
    return chart("prediction over target", series, Look("target"))


def weights(known: Mapping[str, Any]) -> list[str]:
    """Return a histogram of the weights of every layer."""
    return [
        chart(each["name"], [Series("weights", *edges(each))], Look("weight"))
        for each in known.get("weights") or ()
    ]


def edges(histogram: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return a histogram as a line of steps."""
    counts, low = histogram["counts"], histogram["low"]
    width = (histogram["high"] - low) / len(counts)
    x = [low + width * (k + side) for k in range(len(counts)) for side in (0, 1)]
    return [x[0], *x, x[-1]], [0, *(n for n in counts for _ in (0, 1)), 0]
