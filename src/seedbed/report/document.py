"""A page of HTML that is one file: style and script are part of it, nothing is fetched."""

import html
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
PRINTED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}  # what may end a script's text


def document(title: str, parts: Iterable[str], *, script: bool = True) -> str:
    """Return a page.

    Args:
        title: plain text.
        parts: HTML.
        script: whether its charts and tables move; they can be read without.
    """
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{asset('page.css')}</style>"
    )
    moves = f"<script>{asset('page.js')}</script>" if script else ""
    return (
        f'<!doctype html><html lang="en"><head>{head}</head>'
        f"<body><main>{''.join(parts)}</main>{moves}</body></html>\n"
    )


@cache
def asset(name: str) -> str:
    """Return the text of a file beside this one."""
    return (HERE / name).read_text()


def safe(text: str) -> str:
    """Return JSON that may stand inside of a page."""
    return "".join(PRINTED.get(letter, letter) for letter in text)


def section(title: str, *parts: str) -> str:
    """Return a part of the page under a heading, nothing where there is nothing to show."""
    inside = "".join(parts)
    return f"<section><h2>{html.escape(title)}</h2>{inside}</section>" if inside else ""


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    kind: str = "",
) -> str:
    """Return a table whose first column names the rows.

    Args:
        heads: plain text; none where all are empty.
        rows: cells of HTML.
        numbers: columns that are set to the right.
        kind: `sortable` where a click on a head sorts.
    """
    right = set(numbers)

    def cell(at: int, text: str) -> str:
        tag = '<th scope="row"' if at == 0 else "<td"
        mark = ' class="number"' if at in right else ""
        return f"{tag}{mark}>{text}</{'th' if at == 0 else 'td'}>"

    above = "".join(
        f'<th scope="col"{" class=number" if at in right else ""}>{html.escape(head)}</th>'
        for at, head in enumerate(heads)
    )
    body = "".join(
        f"<tr>{''.join(cell(at, text) for at, text in enumerate(row))}</tr>" for row in rows
    )
    named = f"<thead><tr>{above}</tr></thead>" if any(heads) else ""
    mark = f' class="{kind}"' if kind else ""
    return f'<div class="wide"><table{mark}>{named}<tbody>{body}</tbody></table></div>'


def code(command: str) -> str:
    """Return a command as it is typed."""
    return f"<pre><code>{html.escape(command)}</code></pre>"
