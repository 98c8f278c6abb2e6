"""Writes docs/pictures/, techniques.md, demos.md and api/, and README.md's table.  `make docs`."""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import demos
import draw
import yaml

from seedbed import help
from seedbed.config import LISTS, OFFERS
from seedbed.signature import parameters_of, resolve, shown

ROOT = Path(__file__).parents[1]
START, END = "<!-- groups: made by `make docs` -->", "<!-- end -->"
HEAD = """\
<!-- Made by `make docs` from the docstrings and YAML files. -->
# Techniques

Every option of every group: what it does to training, its arguments, its formula, its source.
`group=option` chooses, `group.argument=value` sets; in the groups of lists (`init`,
`regularizer`, `augment`, `callback`, `logger`) an argument is `group.option.argument=value`.
Defaults are those of the option's YAML file, else of its class.  What runs by default is bold.
"""
LABELS = ("Formula", "Source")
MEANINGS = {  # of the standard words, where neither a docstring nor the YAML says more
    "lr": "learning rate η, ≥ 0.",
    "momentum": "γ, how much of the last step is kept, in [0, 1).",
    "nesterov": "whether the gradient is that at the place where momentum leads.",
    "weight_decay": "λ, strength of the decay of weights, ≥ 0.",
    "betas": "β₁, β₂: memories of the gradient's mean and of its square, each in [0, 1).",
    "alpha": "α, memory of the squared gradient, in [0, 1).",
    "eps": "ε, keeps a division from overflowing, > 0.",
    "label_smoothing": "ε, share of each target that is spread over all classes, in [0, 1].",
    "delta": "δ, where the square becomes a line, in units of the target, > 0.",
    "p": "probability, in [0, 1).",
}


def main() -> None:
    """Write every generated picture and text."""
    draw.refresh(draw.pictures())
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def generated() -> dict[Path, str]:
    """Return every file with a generated part, as it should be."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(START)
    _, _, after = rest.partition(END)
    catalogue = "\n".join([HEAD, contents(), *map(section, help.groups())])
    return {
        readme: f"{before}{START}\n{help.table()}\n{END}{after}",
        ROOT / "docs/techniques.md": catalogue,
        **{ROOT / f"docs/api/{name}.md": reference(name) for name in packages()},
        ROOT / "docs/demos.md": demos.page(),
    }


def packages() -> list[str]:
    """Return the folders of the package that hold the classes of options, and `types`."""
    groups = {group.removeprefix("target_") for group in help.groups()}
    return [*sorted(g for g in groups if (help.PACKAGE / g).is_dir()), "types"]


def reference(name: str) -> str:
    """Return the page of a folder, whose docstrings the site reads itself."""
    return f"<!-- Made by `make docs`. -->\n# seedbed.{name}\n\n::: seedbed.{name}\n"


def contents() -> str:
    """Return the table of contents: a line a group, a link an option."""
    lines = []
    for group, chosen in help.defaults().items():
        links = (
            (f"[**{o}**]" if o in chosen else f"[{o}]") + f"(#{anchor(f'{group}={o}')})"
            for o in help.options(group)
        )
        lines.append(f"- [`{group}`](#{anchor(group)}): {', '.join(links)}")
    return "\n".join([*lines, ""])


def anchor(heading: str) -> str:
    """Return the name that a heading gets in a link, as GitHub forms it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def section(group: str) -> str:
    """Return a group with all its options."""
    chosen, told = help.defaults()[group], set[str]()
    blocks = [f"## {group}\n\n{help.about_group(group)}\n"]
    options = help.options(group)
    blocks += [f"{image(p)}\n" for p in draw.of(group) if p.stem not in options]  # of all of them
    for option in options:
        line = help.about(group, option)
        default = "  **The default.**" if option in chosen else ""
        blocks.append(f"### `{group}={option}`\n\n{escaped(line)}{default}\n")
        blocks += [f"{image(p)}\n" for p in draw.of(group) if p.stem == option]
        known = facts(group, option)
        if "Formula" in known:
            blocks.append(f"Formula: {code(known['Formula'])}\n")
        blocks += arguments(group, help.CONFIGS / group / f"{option}.yaml", told)
        if "Source" in known:
            blocks.append(f"Source: {linked(known['Source'])}\n")
    return "\n".join(blocks)


def image(path: Path) -> str:
    """Return a picture as Markdown; what one sees on it is its title."""
    seen = re.search("<title>(.*?)</title>", path.read_text())
    assert seen
    return f"![{unescape(seen[1])}]({path.relative_to(ROOT / 'docs').as_posix()})"


def facts(group: str, option: str) -> dict[str, str]:
    """Return the formula and the source: of the YAML's head, else of the module's docstring."""
    module = help.PACKAGE / group.removeprefix("target_") / f"{option}.py"
    text = ast.get_docstring(ast.parse(module.read_text())) if module.is_file() else ""
    comments = help.comments(help.CONFIGS / group / f"{option}.yaml")
    return labelled((text or "").splitlines()) | labelled(comments)


def labelled(lines: Iterable[str]) -> dict[str, str]:
    """Return what follows each label, up to an empty line or the next label."""
    found: dict[str, str] = {}
    label = ""
    for line in lines:
        name, colon, rest = line.strip().partition(": ")
        if colon and name in LABELS:
            label = name
            found[label] = rest.strip()
        elif not line.strip():
            label = ""
        elif label:
            found[label] += f" {line.strip()}"
    return found


def arguments(group: str, file: Path, told: set[str]) -> Iterator[str]:
    """Yield what an option takes: first what it explains or sets itself, then the rest by name.

    Args:
        group: the option's.
        file: the option's YAML.
        told: targets whose rest was listed already.
    """
    node = yaml.safe_load(file.read_text()) or {}
    if "_target_" not in node:
        if rest := [line for line in list(help.comments(file))[1:] if not labelled([line])]:
            yield "\n".join(["```text", *rest, "```", ""])
        return
    target = resolve(node["_target_"])
    taken = {k: p for k, p in parameters_of(target).items() if k not in OFFERS.get(group, [])}
    meanings = meanings_of(file, target)
    ours = target.__module__.startswith("seedbed.")
    if not ours:
        yield f"Class: `{node['_target_']}`\n"
    named = [k for k in taken if k in node or (ours and k in described(target))]
    prefix = f"{group}.{file.stem}" if group in LISTS else group
    rows = [
        f"| `{prefix}.{k}` | {code(word(node.get(k, taken[k].default)))} "
        f"| {escaped(meanings.get(k, ''))} |"
        for k in named
        if taken[k].kind is not inspect.Parameter.VAR_KEYWORD
    ]
    if rows:
        yield "\n".join(["| argument | default | meaning |", "|---|---|---|", *rows, ""])
    elif ours:
        yield "No arguments.\n"
    rest = [k for k, p in taken.items() if k not in named and simple(p)]
    if rest and node["_target_"] not in told:
        words = (f"`{k}={word(taken[k].default)}`" for k in rest)
        yield f"Also, as the library documents them: {', '.join(words)}.\n"
    told.add(node["_target_"])


def meanings_of(file: Path, target: Any) -> dict[str, str]:
    """Return what each argument means: by the docstring, the YAML's comment, or the field's use."""
    ours = described(target) if target.__module__.startswith("seedbed.") else {}
    lines = (re.match(r"(\w+):.*?\s#\s+(.*)", line) for line in file.read_text().splitlines())
    noted = {line[1]: line[2] for line in lines if line}
    return MEANINGS | noted | ours


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


def escaped(text: str) -> str:
    """Return text in which only code spans mean something to Markdown, also within a table."""
    parts = text.replace("|", "\\|").split("`")
    parts[::2] = [re.sub(r"([*<])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def code(text: str) -> str:
    """Return a code span, also within a table."""
    ticks = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def linked(text: str) -> str:
    """Return text in which addresses are links."""
    return re.sub(r"https?://[^\s>]*[^\s>.,;]", r"<\g<0>>", text)


if __name__ == "__main__":
    main()
