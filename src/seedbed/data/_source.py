"""Data that other data is made of, named as an option."""

from collections.abc import Mapping
from typing import Any

from seedbed import signature
from seedbed.nearest import nearest
from seedbed.option import described, options
from seedbed.target import construct


def made(option: str, settings: Mapping[str, Any], val_fraction: float) -> Any:
    """Return what an option of `data` describes.

    Args:
        option: its name.
        settings: of its arguments.
        val_fraction: share of its training examples that validates.

    Raises:
        ValueError: there is no such option, or it does not take the settings.
    """
    known = [name for name in options("data") if name != "episodes"]
    if option not in known:
        raise ValueError(f"source={option}: no such data; {nearest(option, known)}")
    node = described("data", option, {"val_fraction": val_fraction, **settings})
    for problem in signature.misfits("settings", node, "data"):
        raise ValueError(problem)
    try:
        return construct(node)
    except ValueError as error:
        raise ValueError(f"source={option}: {error}") from error
