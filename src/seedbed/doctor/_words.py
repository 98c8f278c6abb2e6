"""A remedy among the words of the command that it is to heal."""

from collections.abc import Iterable

from seedbed.doctor._case import Words

ELSEWHERE = ("run", "out", "stages")  # what a training anew says for itself


def merged(words: Iterable[str], remedy: Words) -> list[str]:
    """Return the words of a command with a remedy in their midst, each key said once.

    Args:
        words: overrides as they were typed.
        remedy: overrides that take the place of those with their keys; `+group=option` joins a
            list that is already there, `~group.option` leaves it.
    """
    kept = [word for word in words if key(word) not in ELSEWHERE]
    for word in remedy:
        if word.startswith("+"):
            kept = joined(kept, word)
        elif word.startswith("~"):
            kept = left(kept, word)
        else:
            kept = replaced(kept, word)
    return kept


def key(word: str) -> str:
    """Return what a word sets, without Hydra's signs."""
    return word.lstrip("+~").partition("=")[0]


def replaced(words: list[str], word: str) -> list[str]:
    """Return words with one in the place of those that say otherwise.

    Another option of a group makes the settings of the old one meaningless.
    """
    name = key(word)
    option = "." not in name
    return [
        each
        for each in words
        if key(each) != name and not (option and key(each).startswith(f"{name}."))
    ] + [word]


def joined(words: list[str], word: str) -> list[str]:
    """Return words with one more option of a list."""
    name, option = key(word), word.partition("=")[2]
    for at, each in enumerate(words):
        if key(each) == name and not each.startswith(("+", "~")):
            options = [o for o in listed(each) if o not in ("none", option)]
            return [*words[:at], f"{name}=[{','.join([*options, option])}]", *words[at + 1 :]]
    return words if word in words else [*words, word]


def left(words: list[str], word: str) -> list[str]:
    """Return words without an option of a list and its settings."""
    name, _, option = key(word).partition(".")
    gone = f"{name}.{option}"
    rest = [w for w in words if key(w) != gone and not key(w).startswith(f"{gone}.")]
    if f"+{name}={option}" in rest:
        return [w for w in rest if w != f"+{name}={option}"]
    if any(w.startswith(f"+{gone}._target_=") for w in words):
        return rest  # a part of one's own: these words were all there was of it
    for at, each in enumerate(rest):
        if key(each) == name and not each.startswith(("+", "~")):
            options = ",".join(o for o in listed(each) if o != option)
            return [*rest[:at], f"{name}=[{options}]", *rest[at + 1 :]]
    return [*rest, word]


def listed(word: str) -> list[str]:
    """Return the options that a word chooses."""
    return [o.strip() for o in word.partition("=")[2].strip("[]").split(",") if o.strip()]
