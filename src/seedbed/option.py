"""The YAML files of configs/: which options a group has, and what one says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).parents[2] / "configs"


def options(group: str) -> list[str]:
    """Return the options of a group."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def described(group: str, option: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an option says, with what is set otherwise.

    Raises:
        ValueError: there is no such option.
    """
    import yaml  # 20 ms, which `--help` does not need

    if option not in options(group):  # nor is a path one
        raise ValueError(f"there is no {group}={option}")
    return yaml.safe_load((CONFIGS / group / f"{option}.yaml").read_text()) | dict(settings)
