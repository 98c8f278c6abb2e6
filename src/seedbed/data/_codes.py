"""What classes are like, in numbers: attribute codes, and classes that training does not see."""

import math
from collections.abc import Sequence
from typing import Literal

from seedbed.randomness import permutation

Codes = tuple[tuple[float, ...], ...]
Asked = Literal["own", "shuffled"] | Sequence[Sequence[float]]

# Segments of a display: top, upper right, lower right, bottom, lower left, upper left, middle.
SEGMENTS = "1111110 0110000 1101101 1111001 0110011 1011011 1011111 1110000 1111111 1111011"
SEVEN_SEGMENTS: Codes = tuple(tuple(map(float, digit)) for digit in SEGMENTS.split())


def choose(asked: Asked, own: Codes, names: Sequence[str], seed: int) -> Codes:
    """Return the code of each class, `(C, A)`.

    Args:
        asked: `own`, the same `shuffled` so that no class keeps its code, or codes themselves.
        own: the codes that the data brings; none if it has none.
        names: of the classes.
        seed: of the shuffling.

    Raises:
        ValueError: a class without a code or with that of another, codes of several lengths, or
            nothing to shuffle.
    """
    if asked == "shuffled":
        if not own:
            raise ValueError("codes=shuffled: this data has no codes of its own")
        return shuffled(own, seed)
    if isinstance(asked, str):
        return own
    codes: Codes = tuple(tuple(map(float, code)) for code in asked)
    check_codes(codes, names)
    return codes


def shuffled(codes: Codes, seed: int) -> Codes:
    """Return the same codes in one random cycle: each class has another's."""
    order = permutation(len(codes), seed).tolist()
    found = dict(zip(order, (*order[1:], order[0]), strict=True))
    return tuple(codes[found[k]] for k in range(len(codes)))


def check_codes(codes: Codes, names: Sequence[str]) -> None:
    """Refuse codes that do not tell the classes apart.

    Raises:
        ValueError: a class without a code or with that of another, or codes of several lengths
            or not of finite numbers.
    """
    if len(codes) != len(names):
        less = len(codes) < len(names)
        what = f"class {names[len(codes)]} has none" if less else "some belong to no class"
        raise ValueError(f"codes: {len(codes)} for {len(names)} classes, {what}")
    if len({len(code) for code in codes}) > 1 or not codes[0]:
        lengths = ", ".join(str(len(code)) for code in codes)
        raise ValueError(f"codes: all must have the same length of at least 1, got {lengths}")
    for place, code in enumerate(codes):
        if not all(map(math.isfinite, code)):
            raise ValueError(f"codes: class {names[place]} has a number that is not finite")
        twin = codes.index(code)
        if twin != place:
            raise ValueError(f"codes: classes {names[twin]} and {names[place]} have the same one")


def check_unseen(unseen: Sequence[int], val_unseen: Sequence[int], names: Sequence[str]) -> None:
    """Refuse held-out classes that there are not, or that leave nothing to tell apart.

    Args:
        unseen: classes that only the test split has.
        val_unseen: classes that only the validation split has.
        names: of the classes.

    Raises:
        ValueError: a number names no class or stands in both, or fewer than two classes are left.
    """
    for key, labels in (("unseen", unseen), ("val_unseen", val_unseen)):
        for label in labels:
            if not 0 <= label < len(names):
                raise ValueError(
                    f"{key}={list(labels)}: {label} is no class; they are 0 to {len(names) - 1}"
                )
    if both := sorted({*unseen} & {*val_unseen}):
        raise ValueError(f"val_unseen and unseen share class {names[both[0]]}")
    left = len(names) - len({*unseen, *val_unseen})
    if left < 2:
        held = f"unseen={list(unseen)}" + (f" val_unseen={list(val_unseen)}" if val_unseen else "")
        raise ValueError(f"{held}: training needs 2 classes, {left} would be left")
