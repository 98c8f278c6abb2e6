"""What all judgements before training share: the facts they need, the words they propose."""

from collections.abc import Mapping
from typing import Any

from seedbed.doctor._case import Case, Finding, Level, Words


def facts_of(case: Case, symptom: str, *names: str) -> dict[str, Any] | Finding:
    """Return the facts that a symptom needs, or the finding that says which one is missing.

    What could not be measured is explained in the fact `unmeasured`, by symptom or by fact.
    """
    found = {name: case.facts.get(name) for name in names}
    missing = [name for name, value in found.items() if value is None]
    if not missing:
        return found
    why = case.facts.get("unmeasured", {})
    reason = why.get(symptom) or next((why[name] for name in missing if name in why), None)
    return Finding(symptom, "unknown", reason or f"not measured: {', '.join(missing)}")


def measured(case: Case, fact: str) -> bool:
    """Return whether a fact was measured before training, or why it could not be is known."""
    return fact in case.facts or "unmeasured" in case.facts


def passed(symptom: str, says: str, numbers: Mapping[str, float] | None = None) -> Finding:
    """Return that all is well, and why."""
    return Finding(symptom, "pass", says, numbers=numbers or {})


def graded(value: float, warn: float, fail: float) -> Level:
    """Return how ill a number is that is healthy up to `warn` and hopeless above `fail`."""
    return "fail" if value > fail else "warn" if value > warn else "pass"


def chosen(case: Case, group: str) -> list[str]:
    """Return the names of the techniques that a list group has, without those switched off."""
    known = case.setting(group)
    return [name for name, node in known.items() if node] if isinstance(known, Mapping) else []


def class_of(case: Case, group: str) -> str:
    """Return the class of the part of a group, as `Standard` of scaling; nothing without one."""
    return str(case.setting(f"{group}._target_") or "").rpartition(".")[2]


KEPT = ("class_prior", "pretrained")  # options that come after; a part of the user's own is none


def filled(case: Case, name: str) -> Words:
    """Return the words that fill all layers by another init and keep what comes after it."""
    kept = [each for each in chosen(case, "init") if each in KEPT]
    return (f"init=[{','.join([name, *kept])}]" if kept else f"init={name}",)


def fitting(case: Case) -> str:
    """Return the init that suits the activation of the model."""
    activation = str(case.setting("model.activation") or "relu")
    return "xavier" if activation in ("tanh", "sigmoid") else "he"


def at_rate(case: Case, rate: float) -> Words:
    """Return the words that set the learning rate, in two digits."""
    return (f"optimizer.lr={rate:.2g}",)


def slower(case: Case, factor: float = 10.0) -> tuple[Words, ...]:
    """Return a remedy of a smaller rate; none where the config has no rate."""
    rate = case.setting("optimizer.lr")
    return (at_rate(case, rate / factor),) if isinstance(rate, int | float) else ()


def count(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(names: list[str], most: int = 4) -> str:
    """Return names in a row, the first few of many."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
