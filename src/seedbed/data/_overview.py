"""What was inferred about a table, for a user to check before training."""

from collections.abc import Mapping

from seedbed.data._encoder import Encoder
from seedbed.data._rows import Rows
from seedbed.data._survey import Seen
from seedbed.data._target import Target

SHOWN = 20  # columns


def described(reading: Target) -> str:
    """Return what the target is, in words."""
    if reading.kind == "value":
        return "real numbers"
    return f"{len(reading.names)} classes ({shortened(', '.join(reading.names), 60)})"


def shortened(text: str, most: int) -> str:
    """Return a text of at most that many characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def overview(
    rows: Rows, seen: Mapping[str, Seen], target: str, reading: Target, encoder: Encoder
) -> str:
    """Return a table of the columns for a user to check, those that need a look first."""
    head = f"{rows.where}: {len(rows)} rows, target {target!r}: {described(reading)}"
    known = sorted(encoder.columns, key=lambda c: not c.note)
    names = [shortened(column.name, 30) for column in known[:SHOWN]]
    wide = max(6, *map(len, names))
    lines = [head, f"  {'column':{wide}}  {'kind':13}  missing"]
    for column, name in zip(known, names, strict=False):
        kind = f"{column.kind} ({len(column.categories)})" if column.categories else column.kind
        filled = f" (median {column.median:g})" if column.kind == "number" else ""
        count = seen[column.name].gaps
        missing = f"{count}{filled}" if count else "-"
        lines.append(f"  {name:{wide}}  {kind:13}  {missing:7}  {column.note}".rstrip())
    more = [f"  and {len(known) - SHOWN} more"] if len(known) > SHOWN else []
    return "\n".join([*lines, *more, ""])
