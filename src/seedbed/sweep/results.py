"""The files of a sweep that is over: `results.csv`, `runs.csv`, `results.md` and `report.html`."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seedbed.atomic import write
from seedbed.run.folder import Refused
from seedbed.sweep import board, finished, page
from seedbed.sweep.comparison import Comparison, Row
from seedbed.sweep.finished import Sweep
from seedbed.sweep.runs import key, value
from seedbed.sweep.search import findings
from seedbed.sweep.search.findings import Findings


def conclude(folder: Path) -> str:
    """Compare the settings of a sweep, write its files, and return the leaderboard."""
    sweep = finished.read(folder)
    comparison, found = finished.compare(sweep), searched(sweep)
    if found is not None:
        comparison = judged(comparison, found)
    told = findings.lines(found, sweep.jobs) if found else []
    lines = [board.text(sweep, comparison, told)]
    if sweep.jobs:
        try:
            write_all(sweep, comparison, found)
            lines.append(f"\nreport      {folder / 'report.html'}")
        except OSError as error:  # the disk is full; the numbers are told all the same
            lines.append(str(error))
    return "\n".join([*lines, *([f"next        {found.next}"] if found and found.next else [])])


def searched(sweep: Sweep) -> Findings | None:
    """Return what a search has found, None where every combination was tried."""
    if not sweep.search or not sweep.jobs:
        return None
    try:
        return findings.findings(sweep.search, sweep.words, sweep.jobs)
    except Refused as problem:
        sweep.notes.extend(str(problem).splitlines())
        return None


def judged(comparison: Comparison, found: Findings) -> Comparison:
    """Return the leaderboard of a search, whose settings are no repetitions of each other."""
    rows = [replace(row, tied=False) for row in comparison.rows]
    several = len(found.goals) > 1
    names = {run.folder for run in found.front} if several else set()
    ahead = [r for r in rows if any(run.folder in names for run in r.group.runs.values())]
    verdict = findings.verdict(found, rows[0].label)
    return replace(comparison, rows=rows, front=ahead, winner=None, verdict=verdict)


def write_all(sweep: Sweep, comparison: Comparison, found: Findings | None = None) -> None:
    """Write the files of a sweep into its folder."""
    write(sweep.folder / "results.csv", settings_table(comparison))
    write(sweep.folder / "runs.csv", runs_table(sweep))
    write(sweep.folder / "results.md", markdown(sweep, comparison))
    write(sweep.folder / "report.html", page.page(sweep, comparison, found))


def settings_table(comparison: Comparison) -> str:
    """Return a row a setting: its keys, the statistics of the metric, the means of all others."""
    metrics = metrics_of(run for row in comparison.rows for run in row.group.runs.values())
    rows: list[dict[str, Any]] = []
    for rank, row in enumerate(comparison.rows, 1):
        said = {key(word): value(word) for word in row.group.setting}
        rows.append(
            {"rank": rank, **{k: said.get(k, "") for k in comparison.keys}}
            | statistics_of(row, comparison)
            | {f"mean {name}": board.mean_of(row.group, name) for name in metrics}
        )
    return as_csv(rows)


def statistics_of(row: Row, comparison: Comparison) -> dict[str, Any]:
    """Return what is known of a setting, None where there is nothing."""
    known, behind = row.interval, row.behind
    ended = row.group.total - sum(row.group.statuses().values())
    return {
        "runs": row.group.total,
        "ok": ended,
        "n": known.n if known else 0,
        "metric": comparison.metric,
        "mean": known and known.mean,
        "half": known and known.half,
        "difference": behind and behind.mean,
        "difference_half": behind and behind.half,
        "test": behind and behind.how,
        "p": behind and behind.p,
        "p_adjusted": row.p,
        "tied": int(row.tied),
        "winner": int(row is comparison.winner),
        "seconds": row.seconds,
        "not ok": "; ".join(f"{n} {name}" for name, n in row.group.statuses().items()),
        "doctor": board.doctor(row.group),
    }


def runs_table(sweep: Sweep) -> str:
    """Return a row a run: its number, how it ended, what was set, every metric."""
    every = [key(word) for run in sweep.jobs for word in run.words]
    keys = list(dict.fromkeys(every))
    metrics = metrics_of(sweep.jobs)
    rows: list[dict[str, Any]] = []
    for run in sweep.jobs:
        said = {key(word): value(word) for word in run.words}
        rows.append(
            {"job": run.folder.name, "status": run.status}
            | {k: said.get(k, "") for k in keys}
            | {"seconds": run.seconds, "doctor": " ".join(name for _, name in run.findings)}
            | {name: run.metrics.get(name) for name in metrics}
            | {"error": run.why}
        )
    return as_csv(rows)


def metrics_of(runs: Iterable[Any]) -> list[str]:
    """Return the names of all metrics of some runs."""
    return sorted({name for run in runs for name in run.metrics})


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as a table; numbers in full precision."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def markdown(sweep: Sweep, comparison: Comparison) -> str:
    """Return the leaderboard in Markdown, for a paper or a pull request."""
    head, *lines = [board.heads(comparison)] + [
        board.line(row, comparison, first=at == 0) for at, row in enumerate(comparison.rows)
    ]
    table = [head, ["---", "---:", "---:", ":-:", *["---:"] * (len(head) - 5), "---"], *lines]
    rows = [f"| {' | '.join(map(escaped, row))} |" for row in table]
    said = [finished.unlogged(sweep) or comparison.verdict, *board.legend(comparison)]
    said += board.losses(comparison)
    notes = "\n".join(f"- {note}" for note in [*said, *sweep.notes])
    return f"# {sweep.folder.name}\n\n" + "\n".join(rows) + f"\n\n{notes}\n"


def escaped(cell: str) -> str:
    """Return a cell whose bars end no column."""
    return cell.replace("|", "\\|")
