"""What is found in what runs recorded: no training, so that rules can be tried on all of it."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cases import FAULTS
from scoring import Verdict

from seedbed.doctor import Case, Curve, Finding, examine
from seedbed.doctor._history import own
from seedbed.doctor._masks import consequence
from seedbed.doctor._order import before
from seedbed.run.folder import read_config

TOLD = ("fail", "warn", "info")
AT_ONCE = ("nan",)  # what needs no second look
OPEN = ("acc", "suggested", "limit")  # numbers of facts that may be missing
LOOKS = 20  # at a training, each with what was known by then


@dataclass(frozen=True)
class Said:
    """What was found in a run.

    Args:
        before: symptoms that pre-flight calls ill.
        live: share of the training at which each symptom was first called ill twice in a row; 1 if
            only the whole of it shows it.
        told: symptoms that are worth a look in the whole of it, ill or not.
    """

    before: tuple[str, ...]
    live: dict[str, float]
    told: tuple[str, ...]


def case_of(folder: Path) -> Case:
    """Return what a run has recorded."""
    file = folder / "diagnosis.json"
    facts: dict[str, Any] = json.loads(file.read_text()).get("facts", {}) if file.is_file() else {}
    return Case(own(folder / "history.csv"), facts, read_config(folder))


def until(case: Case, step: float) -> Case:
    """Return what was known by a step."""
    cut = {name: upto(curve, step) for name, curve in case.curves.items()}
    return Case({k: c for k, c in cut.items() if len(c)}, case.facts, case.config)


def upto(curve: Curve, step: float) -> Curve:
    """Return the points of a curve up to a step."""
    kept = curve.steps <= step
    return Curve(curve.steps[kept], curve.values[kept])


def ill(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the symptoms of which something should be done."""
    return tuple(found.symptom for found in findings if found.ill)


def measured(folder: Path) -> Case:
    """Return what pre-flight has measured before a run."""
    file = folder / "preflight" / "preflight.json"
    if not file.is_file():
        return Case()
    facts = json.loads(file.read_text())["facts"]
    known = {k: numbers(v) if isinstance(v, dict | list) else v for k, v in facts.items()}
    return Case({}, known, read_config(folder))


def numbers(fact: Any) -> Any:
    """Return a fact in which NaN and infinity, which JSON has not, are NaN again."""
    if isinstance(fact, dict):
        return {k: v if k in OPEN else numbers(v) for k, v in fact.items()}
    if isinstance(fact, list):
        return [numbers(v) for v in fact]
    return math.nan if fact is None else fact


def said_of(case: Case, earlier: Case) -> Said:
    """Return what is found in a run before it, while it runs, and after it.

    Args:
        case: what the run recorded.
        earlier: what pre-flight measured.
    """
    found = before(earlier) if earlier.facts else []
    last = examine(case)
    during = live(case)
    for symptom in ill(last):
        during.setdefault(symptom, 1.0)
    told = [f.symptom for f in last if f.level in TOLD and not consequence(f.cause)]
    told += [f.symptom for f in found if f.level in TOLD and not consequence(f.cause)]
    return Said(ill(found), during, tuple(told))


def live(case: Case) -> dict[str, float]:
    """Return at which share of the training each symptom was ill in two looks in a row."""
    end = max((float(c.steps[-1]) for c in case.curves.values() if len(c)), default=0.0)
    total = float(case.facts.get("total") or end) or 1.0
    found: dict[str, float] = {}
    once: set[str] = set()
    for step in np.linspace(0, end, LOOKS + 1)[1:]:
        now = set(ill(examine(until(case, float(step)))))
        for symptom in now & (once | set(AT_ONCE)):
            found.setdefault(symptom, float(step) / total)
        once = now
    return found


def verdict(kind: str, seed: int, said: Said, part: str) -> Verdict:
    """Return what one part of the doctor says of a run.

    Args:
        kind: of the run.
        seed: of the run.
        said: what was found.
        part: `preflight`, `live`, `both` or `told`, which counts what is only worth a look, too.
    """
    right = FAULTS[kind].right if kind in FAULTS else ()
    names = {
        "preflight": said.before,
        "live": tuple(said.live),
        "both": tuple(dict.fromkeys((*said.before, *said.live))),
        "told": tuple(dict.fromkeys((*said.before, *said.live, *said.told))),
    }[part]
    times = [0.0] if set(right) & set(said.before) and part != "live" else []
    times += [at for name, at in said.live.items() if name in right and part != "preflight"]
    return Verdict(kind, seed, right, names, min(times, default=math.nan))
