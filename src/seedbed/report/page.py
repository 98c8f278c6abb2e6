"""`report.html`: a run on one page that needs no server."""

import base64
import html
from pathlib import Path
from typing import Any

import yaml

from seedbed import atomic
from seedbed.report import compression, diagnosis
from seedbed.report.curves import draw

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .2rem 1rem .2rem 0; text-align: left; border-bottom: 1px solid #8884; }
td.number { text-align: right; white-space: nowrap; }
img { width: 100%; background: white; border-radius: .5rem; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid #8884; border-radius: .5rem; }
code { font-size: .9rem; }
"""


def write(run: Path, out: Path, metrics: dict[str, float]) -> None:
    """Write the report of the run in `run` to `out`, and its curves to `plots/curves.png`."""
    found = diagnosis.read(out) or diagnosis.read(run)
    curves = draw(run / "history.csv", out / "plots/curves.png", diagnosis.spans(found))
    config = yaml.safe_load((run / "config.yaml").read_text())
    smaller = next((folder for folder in (out, run) if compression.read(folder)), None)
    atomic.write(out / "report.html", page(run, config, metrics, curves, smaller, found))


def page(
    run: Path,
    config: dict[str, Any],
    metrics: dict[str, float],
    curves: Path | None,
    smaller: Path | None = None,
    found: dict[str, Any] | None = None,
) -> str:
    """Return the page.

    Args:
        run: the folder that can be run again.
        config: all that was set.
        metrics: the final numbers.
        curves: a picture of them.
        smaller: the folder with `compress/`.
        found: what the doctor says.
    """
    sections = [
        f"<h1>{html.escape(config['name'])} <small>{html.escape(run.name)}</small></h1>",
        "<h2>Numbers</h2>",
        numbers(metrics),
        f"<p>{caption(metrics)}</p>",
    ]
    if curves is not None:
        sections += ["<h2>Curves</h2>", picture("curves", curves)]
    if found:
        sections += ["<h2>Diagnosis</h2>", diagnosis.section(found)]
    if smaller is not None and (table := compression.read(smaller)):
        front = picture("points against size and time", smaller / "compress/pareto.png")
        sections += ["<h2>Compression</h2>", compression.page(table), front]
    text = yaml.safe_dump(config, sort_keys=False)
    sections += [
        "<h2>Again</h2>",
        f"<pre><code>python train.py run={html.escape(str(run))} stages=test</code></pre>",
        "<h2>Config</h2>",
        "<details><summary>everything that was set</summary>",
        f"<pre>{html.escape(text)}</pre></details>",
    ]
    title = html.escape(f"{config['name']} · {run.name}")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(sections)}</body></html>'
    )


def picture(words: str, file: Path) -> str:
    """Return a PNG as part of the page."""
    content = base64.b64encode(file.read_bytes()).decode()
    return f'<img alt="{words}" src="data:image/png;base64,{content}">'


def caption(metrics: dict[str, float]) -> str:
    """Return which weights the numbers belong to."""
    if "best/epoch" not in metrics:
        return ""
    best = int(metrics["best/epoch"])
    return f"val and test: the best weights, of epoch {best}; train: means over the last epoch"


def numbers(metrics: dict[str, float]) -> str:
    """Return a table with a row a metric and a column a split."""
    splits = [s for s in ("train", "val", "test") if any(k.startswith(f"{s}/") for k in metrics)]
    names = sorted({k.partition("/")[2] for k in metrics if k.partition("/")[0] in splits})
    rows = ["<tr><th></th>" + "".join(f"<th>{s}</th>" for s in splits) + "</tr>"]
    for name in names:
        found = [metrics.get(f"{s}/{name}") for s in splits]
        cells = "".join(f'<td class="number">{"" if v is None else f"{v:.4f}"}</td>' for v in found)
        rows.append(f"<tr><th>{html.escape(name)}</th>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"
