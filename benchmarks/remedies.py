"""The remedy loop: what the doctor proposes is done, as a user would who copies the command."""

from collections.abc import Iterator, Sequence

from seedbed.doctor import Finding, merged
from seedbed.doctor._masks import consequence

LEVELS = ("fail", "warn", "info")


def proposals(findings: Sequence[Finding], words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the remedies of the worst finding that has one, the most promising first.

    Args:
        findings: those from before the training first.
        words: of the run that they were found in.

    Yields:
        what it changes, and the words that try it; the gate may refuse them.
    """
    for level in LEVELS:
        for found in findings:
            if found.level != level or not found.remedies or consequence(found.cause):
                continue
            for remedy in found.remedies:
                yield f"{found.symptom}: {' '.join(remedy)}", merged(words, remedy)
            return
