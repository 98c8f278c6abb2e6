"""Whom the user trusts: named on this command line or in pyproject.toml, never in a run folder."""

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seedbed import trust
from seedbed.nearest import nearest
from seedbed.run.folder import Refused, read_config

FILE = "pyproject.toml"


def authorise(said: Iterable[tuple[str, Any]], beside: Iterable[str] = ()) -> None:
    """Trust what the command line and the project name, and nothing else.

    Args:
        said: `(key, value)` of what was typed.
        beside: names that were typed before, in this process.

    Raises:
        Refused: a name cannot be trusted, or the project's file is wrong.
    """
    try:
        trust.trust({*named(said), *of_project(), *beside})
    except trust.Untrusted as error:
        raise Refused(str(error)) from error


def named(said: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Yield the names after `trust=`, and the packages of the targets that were typed."""
    for key, value in said:
        if key == "trust":
            yield from map(str, value if isinstance(value, list) else [value])
        else:
            yield from packages({key.rpartition(".")[2]: value})


def packages(tree: Any) -> Iterator[str]:
    """Yield the package of every target in what was typed; what is Python's own is never one."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            top = str(value).partition(".")[0]
            if key != "_target_":
                yield from packages(value)
            elif trust.dotted(value) and top not in {*trust.PLACES, *sys.stdlib_module_names}:
                yield top
    elif isinstance(tree, list):
        for value in tree:
            yield from packages(value)


def of_project() -> list[str]:
    """Return what `[tool.seedbed] trust` of the working directory's pyproject.toml names.

    Raises:
        Refused: it cannot be read, or says something else.
    """
    file = Path(FILE)
    if not file.is_file():
        return []
    try:
        own = tomllib.loads(file.read_text()).get("tool", {}).get("seedbed", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{FILE}: cannot be read ({str(error).splitlines()[0]})") from error
    if unknown := [key for key in own if key != "trust"]:
        raise Refused(f"{FILE}: [tool.seedbed] has no {unknown[0]!r}; {nearest('', ['trust'])}")
    names = own.get("trust", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refused(f'{FILE}: [tool.seedbed] trust: a list is expected, such as ["mine"]')
    if names and (run := run_around(Path.cwd())):
        raise Refused(f"{FILE}: {run} is a run folder, which cannot name what is trusted")
    return names


def run_around(here: Path) -> Path | None:
    """Return the run folder that a folder is, or lies in, None if there is none."""
    for folder in (here, *here.parents):
        try:
            read_config(folder)
        except (Refused, OSError, UnicodeDecodeError):
            continue
        return folder
    return None


def again() -> str:
    """Return what another command must add to trust the same; "" if nothing."""
    names = sorted(trust.trusted() - set(of_project()))
    if len(names) > 1:
        return f" 'trust=[{','.join(names)}]'"  # shells read brackets as their own
    return "".join(f" trust={name}" for name in names)
