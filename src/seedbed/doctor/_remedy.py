"""Overrides that may help, computed from the run's own settings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from seedbed.doctor._case import Case, Finding, Words

RATE = "optimizer.lr"


USUAL = {  # rates that suit most models, by optimizer
    **dict.fromkeys(("Adam", "AdamW", "NAdam", "RMSprop"), 1e-3),
    "SGD": 0.05,
    "Lion": 1e-4,
    "Adagrad": 1e-2,
}


def rate(case: Case, factor: float) -> tuple[Words, ...]:
    """Return the learning rate times a factor, to two digits; nothing if it is not known.

    From far away it goes to the usual rate of the optimizer at once.  A momentum that sums a
    hundred steps and more is what makes steps long; it is lowered before the rate is.
    """
    momentum = case.setting("optimizer.momentum")
    if factor < 1 and is_number(momentum) and momentum >= 0.99:
        return (("optimizer.momentum=0.9",),)
    lr = case.setting(RATE)
    if not is_number(lr) or lr <= 0:
        return ()
    aim, usual = lr * factor, USUAL.get(str(case.setting("optimizer._target_")).rpartition(".")[2])
    if usual is not None and lr < aim < usual:
        aim = usual
    if usual is not None and lr > aim > usual:
        aim = usual * (factor / 0.1 if factor < 0.1 else 1)  # the next one lower still
    return ((f"{RATE}={number(aim)}",),)


def scaled(case: Case, path: str, factor: float) -> tuple[Words, ...]:
    """Return another setting times a factor; nothing if it is not a number above 0."""
    value = case.setting(path)
    return ((f"{path}={number(value * factor)}",),) if is_number(value) and value > 0 else ()


def added(case: Case, group: str, option: str, *settings: str) -> tuple[Words, ...]:
    """Return one more option of a group of lists; nothing if it is chosen, or no config known."""
    if not case.config or case.setting(f"{group}.{option}"):
        return ()
    return ((f"+{group}={option}", *(f"{group}.{option}.{each}" for each in settings)),)


def chosen(case: Case, group: str, option: str, *settings: str) -> tuple[Words, ...]:
    """Return another option of a group; nothing if it is this one already, or no config known."""
    now = str(case.setting(f"{group}._target_") or "").lower().rpartition(".")[2]
    if not case.config or now == option.replace("_", ""):
        return ()
    return ((f"{group}={option}", *(f"{group}.{each}" for each in settings)),)


def longer(case: Case, factor: float) -> tuple[Words, ...]:
    """Return a training of more epochs; nothing if its length is counted otherwise."""
    epochs, steps = case.setting("trainer.max_epochs"), case.setting("trainer.max_steps")
    if not is_number(epochs) or epochs < 1 or (steps or -1) > 0:
        return ()
    return ((f"trainer.max_epochs={round(epochs * factor)}",),)


def setting(case: Case, path: str, value: str) -> tuple[Words, ...]:
    """Return a value for something that the run has."""
    now = case.setting(path)
    return ((f"{path}={value}",),) if now is not None and str(now) != value else ()


def batch(case: Case, factor: float) -> tuple[Words, ...]:
    """Return a larger or smaller batch; nothing if it is the whole data."""
    size = case.setting("data.batch_size")
    if not is_number(size) or round(size * factor) < 1:
        return ()
    return ((f"data.batch_size={round(size * factor)}",),)


def untried(case: Case, found: Finding) -> Finding:
    """Return a finding with each remedy once, of those that the config does not have already."""
    each = dict.fromkeys(found.remedies)
    left = tuple(words for words in each if not all(has(case, w) for w in words))
    return found if left == found.remedies else replace(found, remedies=left)


def has(case: Case, word: str) -> bool:
    """Return whether an override says what the config says: a setting, or the options chosen."""
    key, _, value = word.partition("=")
    node = case.setting(key)
    if not isinstance(node, Mapping):
        return node is not None and shown(node) == shown(value)
    if "_target_" in node:  # one part: its class is named as its option
        return str(node["_target_"]).rpartition(".")[2].lower() == value.replace("_", "")
    return [name for name, part in node.items() if part] == value.strip("[]").split(",")


def shown(value: Any) -> str:
    """Return a setting as one text, whichever way its number is written."""
    text = str(value).strip().lower()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def number(value: float) -> str:
    """Return a number to two digits, without a zero too many."""
    return f"{float(f'{value:.2g}'):g}"


def is_number(value: Any) -> bool:
    """Return whether a setting is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
