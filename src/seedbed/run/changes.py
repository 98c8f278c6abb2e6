"""What is no longer as it was when a checkpoint was written: the data that it learned from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seedbed.types import Spec

NAMES = {"class": "classes", "value": "numbers"}
SPLITS = ("training", "validation", "test")


def of_data(then: Mapping[str, Any], now: Spec) -> Iterator[str]:
    """Yield how the data differs, in a few words each; what was not written down is not compared.

    Args:
        then: the spec in a checkpoint.
        now: that of the data that is there.
    """
    found = list(seen(then, now))
    if differ(then, now, "source"):
        found.append("the content of its files has changed")
    elif not found and differ(then, now, "content"):
        found.append("as many examples as before, with another content")
    yield from found


def seen(then: Mapping[str, Any], now: Spec) -> Iterator[str]:
    """Yield the differences that can be counted."""
    if differ(then, now, "kind"):
        yield f"its targets were {NAMES.get(then['kind'])}, now {NAMES[now.kind]}"
    if differ(then, now, "shape"):
        yield f"its inputs had shape {by(then['shape'])}, now {by(now.shape)}"
    if differ(then, now, "classes"):
        yield f"its {classes(then['classes'])}, now {classes(now.classes)}"
    elif now.kind == "value" and differ(then, now, "outputs"):
        yield f"its targets had {then['outputs']} values, now {now.outputs}"
    if differ(then, now, "sizes"):
        for name, before, here in zip(SPLITS, then["sizes"], now.sizes, strict=False):
            if before != here:
                yield f"it had {before} {name} examples, now {here}"
    elif differ(then, now, "counts") and not differ(then, now, "classes"):
        counts = zip(now.classes, then["counts"], now.counts, strict=False)
        yield from (f"it had {b} examples of class {c}, now {n}" for c, b, n in counts if b != n)


def differ(then: Mapping[str, Any], now: Spec, key: str) -> bool:
    """Return whether a value was written down that is another now."""
    before, here = then.get(key), getattr(now, key)
    return bool(before) and before != (list(here) if isinstance(here, tuple) else here)


def by(shape: Sequence[int]) -> str:
    """Return a shape in one word."""
    return "x".join(map(str, shape)) or "()"


def classes(names: Sequence[str]) -> str:
    """Return how many classes there are and what the first are called."""
    few = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} classes ({few})"
