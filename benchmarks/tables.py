"""The tables that the benchmark prints."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from cases import FAULTS, HELD_OUT, TUNED, held_out
from scoring import (
    Verdict,
    by_symptom,
    confusion,
    false_alarms,
    first_right,
    recall,
    share,
)

PARTS = {
    "preflight": "pre-flight alone",
    "live": "live doctor alone",
    "both": "both",
    "told": "both, and what is only told",
}
SPLITS: dict[str, Callable[[Verdict], bool]] = {
    "tuned on": lambda v: not held_out(v.kind, v.seed),
    "other seeds": lambda v: v.seed not in TUNED and v.kind not in HELD_OUT,
    "other kinds": lambda v: v.kind in HELD_OUT,
    "held out": lambda v: held_out(v.kind, v.seed),
    "all": lambda v: True,
}


def report(verdicts: Mapping[str, Sequence[Verdict]], uncounted: Sequence[str]) -> str:
    """Return all tables.

    Args:
        verdicts: of every run that counts, by part of the doctor.
        uncounted: faulty runs that did not end worse than their control.
    """
    lines = ["## How often the doctor is right", ""]
    lines += overview(verdicts)
    lines += ["", f"Not counted, ended no worse than their control: {', '.join(uncounted) or '-'}"]
    lines += ["", "## By symptom (both; held out and tuned on)", "", *symptoms(verdicts["both"])]
    lines += ["", "## What each fault was called first", "", *first_names(verdicts["told"])]
    lines += ["", "## Healthy runs that were called ill", "", *alarms(verdicts["both"])]
    lines += ["", "## When", "", *when(verdicts["live"])]
    return "\n".join(lines)


def overview(verdicts: Mapping[str, Sequence[Verdict]]) -> list[str]:
    """Return right symptoms and false alarms, by part and split, with 95 % intervals."""
    lines = [
        "| part | runs | right symptom | right one first | healthy runs that it names |",
        "|---" * 5 + "|",
    ]
    for part, title in PARTS.items():
        for name, chosen in SPLITS.items():
            some = [v for v in verdicts[part] if chosen(v)]
            if not some:
                continue
            cells = (share(*count(some)) for count in (recall, first_right, false_alarms))
            lines.append(f"| {title} | {name} | {' | '.join(cells)} |")
    return lines


def symptoms(verdicts: Sequence[Verdict]) -> list[str]:
    """Return how often each symptom is named rightly: its precision, and what it is named in."""
    lines = [
        "| symptom | precision | in other faults | in healthy runs | recall |",
        "|---" * 5 + "|",
    ]
    for name, (right, other, healthy) in by_symptom(verdicts).items():
        meant = [v for v in verdicts if v.right and v.right[0] == name]
        found = sum(name in v.said for v in meant)
        lines.append(
            f"| {name} | {share(right, right + other + healthy)} | {other} | {healthy} | "
            f"{f'{found}/{len(meant)}' if meant else ''} |"
        )
    return lines


def first_names(verdicts: Sequence[Verdict]) -> list[str]:
    """Return what the runs of each fault were called, the first name each."""
    table = confusion(v for v in verdicts if v.right)
    lines = ["| fault | called | meant |", "|---|---|---|"]
    for kind, names in table.items():
        called = ", ".join(f"{name} {count}" for name, count in names.most_common())
        missed = any(v.kind == kind and not v.hit for v in verdicts)
        lines.append(
            f"| {'**' * missed}{kind}{'**' * missed} | {called} | {', '.join(FAULTS[kind].right)} |"
        )
    return lines


def alarms(verdicts: Sequence[Verdict]) -> list[str]:
    """Return every healthy run that was called ill, and by which names."""
    wrong = [v for v in verdicts if not v.right and v.said]
    return [f"- {v.kind}/{v.seed}: {', '.join(v.said)}" for v in wrong] or ["none"]


def when(verdicts: Sequence[Verdict]) -> list[str]:
    """Return at which share of the training the live doctor first named a right symptom."""
    times = sorted(v.first for v in verdicts if v.right and not math.isnan(v.first))
    if not times:
        return ["never"]
    last = times[min(len(times) - 1, int(0.9 * len(times)))]
    early = sum(time <= 0.25 for time in times)
    return [
        f"first right warning of the live doctor: median {median(times):.0%} of the training, "
        f"nine of ten by {last:.0%}, {early} of {len(times)} in its first quarter"
    ]


def healing(found: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    """Return how many runs recover with the first remedy, and with that of the next run.

    Args:
        found: by run, the words that were tried and how far from its control it ended, in units
            that count; `recovered` is less than 1.
    """
    lines = ["| run | remedies | ended worse by |", "|---|---|---|"]
    tried = {run: steps for run, steps in found.items() if steps}
    curable = [steps for run, steps in tried.items() if FAULTS[run.partition("/")[0]].curable]
    for run, steps in tried.items():
        words = " → ".join(word for word, _ in steps)
        ends = " → ".join(f"{end:.1f}" for _, end in steps)
        lines.append(f"| {run} | {words} | {ends} |")
    lines += [
        "",
        f"no remedy was proposed for {len(found) - len(tried)} of {len(found)} runs",
        f"recovered in one step: {share(healed(tried.values(), 1), len(tried))}",
        f"recovered within two: {share(healed(tried.values(), 2), len(tried))}",
        "of those that a setting can cure, labels and splits left out:",
        f"recovered in one step: {share(healed(curable, 1), len(curable))}",
        f"recovered within two: {share(healed(curable, 2), len(curable))}",
    ]
    return "\n".join(lines)


def healed(tried: Iterable[Sequence[tuple[str, float]]], most: int) -> int:
    """Return how many runs recovered within so many remedies."""
    return sum(any(end < 1 for _, end in steps[:most]) for steps in tried)
