"""A diagnosis as plain data for `diagnosis.json`, and as text."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from seedbed.doctor._case import Case, Finding, Words
from seedbed.doctor._masks import consequence

Command = Callable[[Words], str]
ADVICE = {  # where no command is known
    "nan": "a tenth of the rate; gradient clipping; look for NaN, infinity and log(0) in the data",
    "divergence": "a tenth of the rate; gradient clipping",
    "exploding_gradients": "gradient clipping; inputs of unit variance; He's first weights",
    "vanishing_gradients": "a norm layer; relu with He's first weights; fewer layers",
    "dead_units": "a tenth of the rate; He's first weights; inputs of unit variance",
    "bad_init": "first weights, or targets, of unit scale",
    "not_learning": "check labels and loss; a tenth of the rate, or ten times it",
    "slow": "ten times the rate",
    "oscillation": "a third of the rate; a larger batch",
    "overfitting": "more data; augmentation; dropout; weight decay; early stopping",
    "underfitting": "a larger model; weaker penalties; look at noise in the data",
    "still_improving": "a longer training",
    "label_noise": "look at the labels of the examples with the largest loss",
    "over_regularised": "weaker penalties",
    "decayed_too_early": "a schedule that ends with the training",
    "frozen": "look at which parameters the optimizer is given, and at their rates",
    "stale_average": "an average with a shorter memory",
    "unshuffled": "shuffle the examples in every epoch",
}
SHOWN = 3  # remedies that are tried by name


def record(case: Case, findings: Sequence[Finding], command: Command, why: str) -> dict[str, Any]:
    """Return a diagnosis as plain data.

    Args:
        case: what was looked at; its facts are kept, for a later look.
        findings: what was found.
        command: a remedy to the command that tries it, "" if the gate would refuse it.
        why: why it is healthy, "" if it is not.
    """
    entries = []
    for found in findings:
        kept: list[tuple[list[str], str]] = []
        for words in found.remedies if told(found) else ():
            if len(kept) < SHOWN and (line := command(words)):
                kept.append((list(words), line))
        entry = asdict(found) | {"remedies": [w for w, _ in kept], "commands": [c for _, c in kept]}
        entries.append(entry)
    return plain({"healthy": why, "findings": entries, "facts": dict(case.facts)})


def told(found: Finding) -> bool:
    """Return whether something is worth a user's look."""
    return found.level in ("info", "warn", "fail")


def plain(value: Any) -> Any:
    """Return data that JSON can hold: numbers that are none become null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else value


def text(diagnosis: Mapping[str, Any]) -> str:
    """Return the text of `diagnosis.json`."""
    return json.dumps(plain(diagnosis), indent=2) + "\n"


def lines(entry: Mapping[str, Any]) -> list[str]:
    """Return what a user is told of a finding: what, why, and what to try."""
    said = [f"doctor: {entry['symptom']}: {entry['says']}"]
    if entry["cause"]:
        said.append(f"  likely: {entry['cause']}")
    if entry["commands"]:
        said.append(f"  try: {entry['commands'][0]}")
    return said


def table(diagnosis: Mapping[str, Any]) -> str:
    """Return a diagnosis as a table of text: symptom, level, evidence, what to try."""
    entries = diagnosis["findings"]
    shown = [e for e in entries if e["level"] in ("info", "warn", "fail")]
    rows = [("symptom", "level", "evidence")]
    rows += [(e["symptom"], e["level"], e["says"]) for e in shown]
    width = max(len(row[0]) for row in rows)
    out: list[str] = [diagnosis["healthy"]] if diagnosis["healthy"] else []
    for at, (symptom, level, says) in enumerate(rows if shown else ()):
        out.append(f"{symptom:<{width}}  {level:<5}  {says}")
        if at:
            entry, indent = shown[at - 1], " " * (width + 9)
            out += [f"{indent}likely: {entry['cause']}"] if entry["cause"] else []
            tries = entry["commands"] or [ADVICE.get(symptom, "")]
            out += [f"{indent}try: {line}" for line in tries if line and told_of(entry)]
    judged = [e["symptom"] for e in entries if e["level"] != "unknown"]
    out.append(f"judged: {', '.join(judged) or 'nothing'}")
    missed = [e for e in entries if e["level"] == "unknown"]
    out += ["not judged:"] if missed else []
    out += [f"  {each['symptom']}: {each['says']}" for each in missed]
    return "\n".join(out)


def told_of(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is more than a consequence of another."""
    return not consequence(str(entry["cause"]))
