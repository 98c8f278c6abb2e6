"""What a command line says of a sweep itself: who finds its jobs, and who starts them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, get_type_hints

from seedbed.command import parse
from seedbed.nearest import nearest
from seedbed.run.folder import Refused
from seedbed.signature import fits, shown, words


def told(said: Sequence[str], group: str, default: str, names: Sequence[str]) -> tuple[str, dict]:
    """Return which one is chosen, and the values of its settings by their names.

    Args:
        said: the words about it.
        group: the key that chooses.
        default: which one where nothing is said.
        names: of all that there are.

    Raises:
        Refused: there is none of that name, or several values.
    """
    read = [(o.key_or_group, o) for o in map(parse, said)]
    if several := [o.input_line for _, o in read if o.is_sweep_override()]:
        raise Refused(f"{several[0]}: one value is expected; it holds for the whole sweep")
    values = {key: o.value() for key, o in read}
    name = str(values.pop(group, default))
    if name not in names:
        raise Refused(f"{group}={name}: no such option; {nearest(name, names)}")
    return name, {key.rpartition(".")[2]: value for key, value in values.items()}


def refuse_misfits(name: str, kind: Any, settings: Mapping[str, Any], prefix: str) -> None:
    """Hold settings against the fields of what they are for.

    Args:
        name: of what is chosen.
        kind: its dataclass.
        settings: values by name.
        prefix: of their keys.

    Raises:
        Refused: a setting is unknown, or no value for it.
    """
    known, hints = {f.name for f in fields(kind) if f.init}, get_type_hints(kind)
    found = []
    for key, value in settings.items():
        line = f"{prefix}.{key}={shown(value)}"
        if key not in known:
            advice = nearest(key, known) if known else "it has no settings"
            found.append(f"{line}: {name} has no setting {key!r}; {advice}")
        elif not fits(value, hints[key]):
            found.append(f"{line}: {words(hints[key])} is expected")
    if found:
        raise Refused("\n".join(found))
