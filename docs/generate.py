"""Writes what is generated: docs/groups.md, and the table of groups in README.md.  `make docs`."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from seedbed import help
from seedbed.config import OFFERS
from seedbed.signature import parameters_of, resolve, shown

ROOT = Path(__file__).parents[1]
START, END = "<!-- groups: made by `make docs` -->", "<!-- end -->"
HEAD = """\
<!-- Made by `make docs`. -->
# Groups, options, arguments

`group=option` chooses, `group.argument=value` sets; in the groups of lists (`init`, `regularizer`,
`augment`, `callback`, `logger`) an argument is `group.option.argument=value`.  Defaults are those
of the option's YAML file, else of its class.  What runs by default is bold.
"""


def main() -> None:
    """Write every generated text."""
    for path, text in generated().items():
        path.write_text(text)


def generated() -> dict[Path, str]:
    """Return every file with a generated part, as it should be."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(START)
    _, _, after = rest.partition(END)
    return {
        readme: f"{before}{START}\n{help.table()}\n{END}{after}",
        ROOT / "docs/groups.md": "\n".join([HEAD, *map(section, help.groups())]),
    }


def section(group: str) -> str:
    """Return a group with all its options."""
    chosen, told = help.defaults()[group], set[str]()
    blocks = [f"## {group}\n\n{help.about_group(group)}\n"]
    for option in help.options(group):
        title = f"**{option}**" if option in chosen else option
        blocks.append(f"### {title}\n\n{help.about(group, option)}\n")
        blocks += arguments(group, help.CONFIGS / group / f"{option}.yaml", told)
    return "\n".join(blocks)


def arguments(group: str, file: Path, told: set[str]) -> Iterator[str]:
    """Yield what an option takes: first what it explains or sets itself, then the rest by name.

    Args:
        group: the option's.
        file: the option's YAML.
        told: targets whose rest was listed already.
    """
    node = yaml.safe_load(file.read_text()) or {}
    if "_target_" not in node:
        if rest := list(help.comments(file))[1:]:
            yield "\n".join(["```text", *rest, "```", ""])
        return
    target = resolve(node["_target_"])
    taken = {k: p for k, p in parameters_of(target).items() if k not in OFFERS.get(group, [])}
    ours = target.__module__.startswith("seedbed.")
    meanings = described(target) if ours else {}
    named = [k for k in taken if k in node or k in meanings]
    values = {k: word(node.get(k, taken[k].default)) for k in named}
    if ours:
        rows = [f"| `{k}` | `{values[k]}` | {cell(meanings.get(k, ''))} |" for k in named]
        table = ["| argument | default | meaning |", "|---|---|---|", *rows]
        yield "\n".join([*table, ""]) if rows else "No arguments.\n"
        return
    yield ", ".join([f"`{node['_target_']}`", *(f"`{k}={values[k]}`" for k in named)]) + ".\n"
    others = [f"`{k}={word(p.default)}`" for k, p in taken.items() if k not in node and simple(p)]
    if others and node["_target_"] not in told:
        yield f"Also: {', '.join(others)}.\n"
    told.add(node["_target_"])


def word(value: object) -> str:
    """Return a value as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else shown(value) or "''"


def simple(parameter: inspect.Parameter) -> bool:
    """Return whether a parameter can be set on a command line and has a default."""
    keyword = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    return keyword and isinstance(parameter.default, bool | int | float | str | None)


def described(target: Any) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say of their arguments."""
    found: dict[str, str] = {}
    for owner in getattr(target, "__mro__", [target]):
        if owner.__module__.startswith("seedbed."):
            found = {**dict(args_section(inspect.cleandoc(owner.__doc__ or ""))), **found}
    return found


def args_section(text: str) -> Iterator[tuple[str, str]]:
    """Yield `(argument, meaning)` of a docstring in Google's style."""
    _, _, rest = text.partition("\nArgs:\n")
    name, words = "", []
    for line in rest.splitlines():
        if line and not line.startswith("    "):
            break
        if line.startswith("    ") and not line.startswith("     "):
            if name:
                yield name, " ".join(words)
            name, _, first = line.strip().partition(": ")
            words = [first]
        elif line.strip():
            words.append(line.strip())
    if name:
        yield name, " ".join(words)


def cell(text: str) -> str:
    """Return text for a cell of a Markdown table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
