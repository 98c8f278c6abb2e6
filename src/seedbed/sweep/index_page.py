"""The list of runs and sweeps as a page: a table that sorts, with links to their reports."""

import html
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from seedbed.report.document import document, table
from seedbed.sweep.index import HEADS, Entry, tally


def page(root: Path, listed: Sequence[Entry], here: Path) -> str:
    """Return the page.

    Args:
        root: the folder that is listed.
        listed: what lies there.
        here: the folder that the page will lie in, from which its links lead.
    """
    heads = (HEADS[2], *HEADS[:2], *HEADS[3:])
    rows = [cells(each, root, here) for each in listed]
    return document(
        f"runs in {root}",
        [
            f"<h1>Runs in {html.escape(str(root))}</h1>",
            f"<p>{html.escape(tally(listed)) or 'nothing lies there'}</p>",
            table(heads, rows, kind="sortable") if rows else "",
        ],
    )


def cells(each: Entry, root: Path, here: Path) -> list[str]:
    """Return the cells of a line; its folder leads to its report where it has one."""
    name, report = html.escape(each.folder), root / each.folder / "report.html"
    if report.is_file():
        name = f'<a href="{quote(os.path.relpath(report, here))}">{name}</a>'
    kind = "ok" if each.status in ("ok", "sweep", "running") else "ill"
    others = (each.words, each.result, each.time, each.doctor)
    return [
        name,
        f'<span class="{kind}">{html.escape(each.status)}</span>',
        html.escape(each.started),
        *map(html.escape, others),
    ]
