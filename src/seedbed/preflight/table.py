"""The findings as a table: for a terminal of any width, and in Markdown."""

import shlex
import textwrap
from collections import Counter
from collections.abc import Sequence

from seedbed.doctor._case import Finding, Words
from seedbed.doctor._masks import consequence

ORDER = ("fail", "warn", "info", "unknown", "pass")  # what needs a look first
LEAST, MOST = 60, 120  # columns
REMEDIES = 3  # that are shown


def sorted_by_need(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, the worst first, else in the order in which they were made."""
    return sorted(findings, key=lambda finding: ORDER.index(finding.level))


def headline(findings: Sequence[Finding]) -> str:
    """Return how many there are of each level."""
    counts = Counter(finding.level for finding in findings)
    return ", ".join(f"{counts[level]} {level}" for level in ORDER if counts[level])


def says(finding: Finding) -> str:
    """Return what a finding says, and which other one explains it."""
    return f"{finding.says}; {finding.cause}" if consequence(finding.cause) else finding.says


def command(words: Words) -> str:
    """Return the words of a remedy as a shell takes them."""
    return " ".join(map(shlex.quote, words))


def text(findings: Sequence[Finding], seconds: float, width: int = 80) -> str:
    """Return the table for a terminal.

    Args:
        findings: what was found.
        seconds: how long it took.
        width: columns of the terminal.
    """
    width = max(LEAST, min(MOST, width))
    head = f"preflight: {headline(findings)} ({seconds:.1f} s)"
    names = max((len(finding.symptom) for finding in findings), default=0)
    indent = " " * (2 + 7 + 2 + names + 2)
    lines = [head]
    for each in sorted_by_need(findings):
        start = f"  {each.level:7}  {each.symptom:{names}}  "
        said = [says(each)]
        if each.ill and each.cause:
            said.append(f"likely: {each.cause}")
        for at, part in enumerate(said):
            first = start if at == 0 else indent
            lines += textwrap.wrap(
                part, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
            )
        if each.ill:
            lines += [f"{indent}try: {command(words)}" for words in each.remedies[:REMEDIES]]
    return "\n".join(lines)


def markdown(findings: Sequence[Finding], seconds: float) -> str:
    """Return the table in Markdown."""
    lines = [
        f"# Preflight: {headline(findings)}",
        "",
        f"Measured before training, in {seconds:.1f} s.",
        "",
        "| | symptom | evidence | likely cause | try |",
        "|---|---|---|---|---|",
    ]
    for each in sorted_by_need(findings):
        tries = "<br>".join(f"`{command(w)}`" for w in each.remedies[:REMEDIES]) if each.ill else ""
        cause = each.cause if each.ill else ""
        cells = (each.level, each.symptom, says(each), cause, tries)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])
