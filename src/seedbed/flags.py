"""The flags of a command line, and what may follow each."""

from collections import deque
from collections.abc import Sequence

from seedbed.nearest import nearest
from seedbed.run.folder import Refused

SWEEP = {"-m", "--multirun"}
CFG = ("job", "hydra", "all")
INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
ALONE = ("--resolve", "--help", "-h", "--hydra-help", "--version", "--shell-completion", "-sc")
VALUES = {  # what follows a flag; of a package, any name
    **dict.fromkeys((*SWEEP, *ALONE), None),
    **dict.fromkeys(("--cfg", "-c"), CFG),
    **dict.fromkeys(("--info", "-i"), INFO),
    **dict.fromkeys(("--package", "-p"), ()),
}
COMPLETES = {"--shell-completion", "-sc"}
LOOKS = {"--cfg", "-c", "--info", "-i", "--hydra-help", "--version", *COMPLETES}
WITH_CFG = {"--resolve", "--package", "-p"}
BARE = {"--info", "-i"}  # say something without a value, too


def parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the flags of a command line, with their values, and its other words.

    Raises:
        Refused: there is no such flag, or not with that value.
    """
    flags: list[str] = []
    others: list[str] = []
    rest = deque(words)
    while rest:
        word = rest.popleft()
        if word.startswith("-"):
            flags += read(word, rest)
        else:
            others.append(word)
    if len(several := [flag for flag in flags if flag in LOOKS | SWEEP]) > 1:
        raise Refused(f"{' '.join(several)}: one at a time")
    if (found := WITH_CFG & set(flags)) and not {"--cfg", "-c"} & set(flags):
        raise Refused(f"{' '.join(sorted(found))}: goes with --cfg")
    return flags, others


def read(word: str, rest: deque[str]) -> list[str]:
    """Return a flag and its value, which is taken from the words that follow.

    Raises:
        Refused: there is no such flag, or not with that value.
    """
    name, given, value = word.partition("=")
    if name not in VALUES:
        few = nearest(word, VALUES).replace("there is -", "flags: -")
        raise Refused(f"{word}: no such flag; {few}")
    choices = VALUES[name]
    if choices is None:
        if given:
            raise Refused(f"{word}: {name} stands alone")
        return [name]
    if not given and rest and not rest[0].startswith(("-", "~")) and "=" not in rest[0]:
        value = rest.popleft()
    if choices and value not in choices and (value or name not in BARE):
        raise Refused(f"{name} {value}".strip() + f": expected one of {', '.join(choices)}")
    if not choices and not value:
        raise Refused(f"{name}: expected the name of a part, such as optimizer")
    return [name, value] if value else [name]
