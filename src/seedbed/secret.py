"""What a config takes from the environment: used as it is, written down as it was asked for.

`${oc.env:KEY}` stays in every file of a run, and is looked up again when the run goes on.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from omegaconf.resolvers import oc

SHORTEST = 6  # characters that a text must have to be taken out of messages

_found: dict[str, str] = {}  # what the environment said in this process -> how it was asked for


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what is looked up in the environment meanwhile, for `redacted` as well."""
    seen: list[str] = []

    def look_up(key: str, *default: Any) -> Any:
        text = oc.env(key, *default)
        seen.append(key)
        if isinstance(text, str) and len(text) >= SHORTEST:
            _found[text] = f"${{oc.env:{key}}}"
        return text

    OmegaConf.register_new_resolver("oc.env", look_up, replace=True)
    try:
        yield seen
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """Return a config as plain data, with the values of all interpolations.

    Raises:
        OmegaConfBaseException: one leads nowhere.
    """
    with watched():
        plain = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def unsaid(cfg: DictConfig, plain: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    """Return `plain` as it may be written down.

    What is text and came from the environment is the interpolation again; numbers, truth values
    and the names of targets make the run what it is, and stay.

    Args:
        cfg: the config.
        plain: what `resolved` made of it.
        keys: top-level keys to look into.
    """
    raw = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(raw, dict)
    inside = {key: _unsaid(cfg, key, raw[key], plain[key]) for key in plain if key in keys}
    return {**plain, **inside}


def _unsaid(parent: Any, key: Any, raw: Any, value: Any) -> Any:
    if key == "_target_":
        return value
    if isinstance(raw, dict) and isinstance(value, dict):
        here = parent[key]
        return {name: _unsaid(here, name, raw[name], value[name]) for name in value}
    if isinstance(raw, list) and isinstance(value, list):
        here = parent[key]
        return [_unsaid(here, at, raw[at], each) for at, each in enumerate(value)]
    if isinstance(raw, str) and "${" in raw and has_text(value):
        with watched() as seen:
            found = parent[key]
            if isinstance(found, DictConfig | ListConfig):
                OmegaConf.to_container(found, resolve=True)
        if seen:
            return raw
    return escaped(value)


def has_text(value: Any) -> bool:
    """Return whether there is text in a value."""
    if isinstance(value, Mapping):
        return any(has_text(each) for each in value.values())
    if isinstance(value, list):
        return any(has_text(each) for each in value)
    return isinstance(value, str)


def escaped(value: Any) -> Any:
    """Return plain data in which a literal `${` stays one when it is read again."""
    if isinstance(value, Mapping):
        return {key: escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [escaped(each) for each in value]
    if isinstance(value, str) and "${" in value:
        return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    return value


def revealed(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config as it was written down, with the values of all interpolations.

    Raises:
        OmegaConfBaseException: one leads nowhere.
    """
    return resolved(OmegaConf.create(dict(plain)))


def reason(error: OmegaConfBaseException) -> str:
    """Return why an interpolation leads nowhere, in one line."""
    said = str(error.msg).splitlines()[0]
    if name := re.search(r"[Ee]nvironment variable '(.*?)' not found", said):
        said = f"the environment variable {name[1]} is not set"
    return f"{error.full_key}: {said}"


def redacted(text: str) -> str:
    """Return a message without what the environment said in this process."""
    for value in sorted(_found, key=len, reverse=True):
        text = text.replace(value, _found[value])
    return text
