"""In what a run's config differs from the default: read from the option files, without Hydra."""

import html
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from seedbed import help
from seedbed.report.document import table

GROUP = re.compile(r"  - (\w+): (\[?)([\w, ]*)\]?", re.ASCII)
Row = tuple[str, str, str]  # key, default, now


def section(config: Mapping[str, Any]) -> str:
    """Return a table of what was set otherwise, or that nothing was."""
    rows = [
        [f"<code>{html.escape(k)}</code>", *map(html.escape, rest)] for k, *rest in rows_of(config)
    ]
    if not rows:
        return "<p>everything is as it is by default</p>"
    return table(("key", "default", "this run"), rows)


def rows_of(config: Mapping[str, Any]) -> Iterator[Row]:
    """Yield every key that differs; a replaced technique, and what is set in the new one."""
    text = (help.CONFIGS / "train.yaml").read_text()
    groups = {name: (bool(several), chosen) for name, several, chosen in GROUP.findall(text)}
    for group, (several, chosen) in groups.items():
        if group not in config:
            continue
        node, options = config[group] or {}, [o for o in chosen.replace(" ", "").split(",") if o]
        if several:
            yield from of_list(group, node, options)
        else:
            yield from of_part(group, node, file_of(group, options[0]) if options else {})
    for key, value in (yaml.safe_load(text) or {}).items():
        if key not in ("defaults", "hydra") and key in config:
            yield from of_values(key, config[key], value)


def of_list(group: str, node: Mapping[str, Any], options: list[str]) -> Iterator[Row]:
    """Yield what was added to a list of techniques, left out of it, or set in one."""
    default = {name: file_of(group, name) for name in options}
    for name in dict.fromkeys([*default, *node]):
        now, path = node.get(name), f"{group}.{name}"
        if not now and default.get(name):
            yield path, "on", "off"
        elif now and name not in default:
            yield path, "off", "on"
            yield from of_values(path, now, option_of(group, now))
        elif now:
            yield from of_part(path, now, default[name])


def of_part(path: str, now: Mapping[str, Any], default: Mapping[str, Any]) -> Iterator[Row]:
    """Yield that a technique was replaced, and what is set otherwise than in its own file."""
    before, after = short(default), short(now)
    if before != after:
        yield path, before or "none", after or "none"
        default = option_of(path.partition(".")[0], now)
    yield from of_values(path, now, default)


def of_values(path: str, now: Any, default: Any) -> Iterator[Row]:
    """Yield the values that differ."""
    if isinstance(now, Mapping) and isinstance(default, Mapping):
        for key in now:
            if key != "_target_" and key in default:
                yield from of_values(f"{path}.{key}", now[key], default[key])
            elif key != "_target_" and now[key] not in (None, False, [], {}):
                yield f"{path}.{key}", "", shown(now[key])
    elif plain(now) != plain(default) and "${" not in str(default) and (now or default):
        yield path, shown(default), shown(now)


def plain(value: Any) -> Any:
    """Return a number for a text that is one: YAML takes 1e-8, which has no point, for a text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def short(node: Mapping[str, Any]) -> str:
    """Return the name of a technique's class."""
    return str(node.get("_target_", "")).rpartition(".")[2]


def shown(value: Any) -> str:
    """Return a value as YAML has it in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def option_of(group: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the option file that describes a technique, {} where there is none."""
    every = (file_of(group, option) for option in help.options(group))
    return next((file for file in every if file.get("_target_") == node.get("_target_")), {})


@cache
def file_of(group: str, option: str) -> dict[str, Any]:
    """Return the content of an option's file, {} where there is none."""
    file = help.CONFIGS / group / f"{option}.yaml"
    content = yaml.safe_load(file.read_text()) if file.is_file() else None
    return content if isinstance(content, dict) else {}
