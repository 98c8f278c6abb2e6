"""`report.html`: a run on one page that needs no server and no network."""

import base64
import html
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from seedbed import atomic
from seedbed.report import answers, changes, compression, curves, diagnosis, preflight
from seedbed.report.document import code, document, section, table
from seedbed.report.number import duration, number

ILL = ("failed", "diverged", "interrupted")
VERSIONS = ("torch", "lightning", "torchmetrics", "hydra-core", "numpy")


def write(run: Path, out: Path, metrics: dict[str, float]) -> None:
    """Write the report of the run in `run` to `out`, and its curves to `plots/curves.png`."""
    found = diagnosis.read(out) or diagnosis.read(run)
    curves.draw(run / "history.csv", out / "plots/curves.png", diagnosis.spans(found))
    config = yaml.safe_load((run / "config.yaml").read_text())
    atomic.write(out / "report.html", page(run, out, config, metrics, found))


def page(
    run: Path,
    out: Path,
    config: dict[str, Any],
    metrics: dict[str, float],
    found: Mapping[str, Any],
) -> str:
    """Return the page.

    Args:
        run: the folder that can be run again.
        out: where its newest stages wrote, the same or another.
        config: all that was set.
        metrics: the final numbers.
        found: what the doctor says.
    """
    title = f"{config['name']} · {run.name}"
    status, known = read(run / "status.json"), answers.read(out) or answers.read(run)
    parts = [
        f"<h1>{html.escape(config['name'])} <small>{html.escape(run.name)}</small></h1>",
        *summary(status, config, found),
        section("Numbers", numbers(metrics), f'<p class="soft">{caption(metrics)}</p>'),
        section("Curves", moving(run / "history.csv", found)),
        section("Confusion", answers.matrix(known)),
        section("Classes", answers.by_class(known)),
        section("Predictions", answers.pairs(known)),
        section("Worst errors", answers.worst(known)),
        section("Weights", grid(answers.weights(known))),
        section("Diagnosis", diagnosis.section(found) if found else ""),
        section("Compression", *smaller(run, out)),
        section("Before training", *before(run)),
        section("Set otherwise than by default", changes.section(config)),
        section("Environment", surroundings(read(run / "environment.json"))),
        section("Again", *commands(run, status)),
        section("Config", everything(config)),
    ]
    return document(title, parts)


def read(file: Path) -> dict[str, Any]:
    """Return the content of a JSON file, {} if there is none or it is damaged."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def summary(
    status: Mapping[str, Any], config: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[str]:
    """Yield how the run stands, what it is, and what ails it, in a few lines."""
    stands = str(status.get("status", ""))
    seconds, why = status.get("seconds"), str(status.get("error", ""))
    parts = [
        "" if stands in ("", "running") else f'<b class="{kind(stands)}">{html.escape(stands)}</b>',
        html.escape(str(status.get("started", ""))[:16].replace("T", " ")),
        duration(float(seconds)) if isinstance(seconds, int | float) else "",
        " on ".join(name for name in (part(config, "model"), part(config, "data")) if name),
        part(config, "optimizer"),
    ]
    yield f'<p class="soft">{" · ".join(each for each in parts if each)}</p>'
    if why:
        yield f'<p class="verdict">{html.escape(why)}</p>'
    ills = [e for e in found.get("findings", ()) if e["level"] in ("warn", "fail")]
    if ills:
        names = ", ".join(html.escape(each["symptom"]) for each in ills)
        yield f'<p class="verdict">the doctor found: {names}</p>'


def kind(status: str) -> str:
    """Return the class of a status."""
    return "ill" if status in ILL else "ok"


def part(config: Mapping[str, Any], group: str) -> str:
    """Return the name of a chosen technique."""
    node = config.get(group)
    name = str(node.get("_target_", "")) if isinstance(node, Mapping) else ""
    return html.escape(name.rpartition(".")[2])


def moving(history: Path, found: Mapping[str, Any]) -> str:
    """Return the curves of a history, "" where nothing was logged."""
    known = curves.read(history) if history.is_file() else {}
    return grid(curves.charts(known, diagnosis.spans(found)))


def grid(charts: list[str]) -> str:
    """Return charts side by side."""
    return f'<div class="charts">{"".join(charts)}</div>' if charts else ""


def smaller(run: Path, out: Path) -> Iterator[str]:
    """Yield what compression has done, where it has."""
    for folder in (out, run):
        if known := compression.read(folder):
            yield compression.page(known)
            yield picture("points against size and time", folder / "compress/pareto.png")
            return


def before(run: Path) -> Iterator[str]:
    """Yield what was found before the training, where somebody looked."""
    if known := preflight.read(run):
        yield preflight.page(known)
        yield from (picture(*each) for each in preflight.pictures(run))


def surroundings(known: Mapping[str, Any]) -> str:
    """Return what the run was run with."""
    versions = known.get("versions") or {}
    git = known.get("git") or (known.get("seedbed") or {}).get("git")
    rows = [
        ("python", known.get("python")),
        ("platform", known.get("platform")),
        ("processor", known.get("cpu")),
        ("GPU", known.get("gpu") or known.get("gpus")),
        ("commit", git),
        *((name, versions.get(name)) for name in VERSIONS),
    ]
    return table(("", ""), [[html.escape(k), html.escape(str(v))] for k, v in rows if v])


def commands(run: Path, status: Mapping[str, Any]) -> Iterator[str]:
    """Yield what to type to test, go on with and repeat the run."""
    folder, typed = shlex.quote(str(run)), run / "overrides.txt"
    words = typed.read_text().splitlines() if typed.is_file() else []
    asked = [shlex.quote(word) for word in words if not word.startswith(("out=", "run="))]
    yield "<h3>go on</h3>" if status.get("status") in ILL else "<h3>test again</h3>"
    ending = "" if status.get("status") in ILL else " stages=test"
    yield code(f"python train.py run={folder}{ending}")
    yield "<h3>train again and compare every number</h3>"
    yield code(f"python train.py run={folder} stages=reproduce")
    yield "<h3>a new run of the same</h3>"
    yield code(" ".join(["python train.py", *asked]))


def everything(config: Mapping[str, Any]) -> str:
    """Return all that was set, folded away."""
    text = html.escape(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
    return f"<details><summary>everything that was set</summary><pre>{text}</pre></details>"


def picture(words: str, file: Path) -> str:
    """Return a PNG as part of the page."""
    content = base64.b64encode(file.read_bytes()).decode()
    return f'<img class="plain" alt="{words}" src="data:image/png;base64,{content}">'


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
    rows = []
    for name in names:
        found = [metrics.get(f"{s}/{name}") for s in splits]
        rows.append([html.escape(name), *("" if v is None else number(v) for v in found)])
    return table(("", *splits), rows, numbers=range(1, 4)) if rows else "<p>none</p>"
