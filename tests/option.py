"""Options as their YAML files describe them."""

import inspect
from pathlib import Path
from typing import Any

from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf

CONFIGS = Path(__file__).parents[1] / "configs"


def node(group: str, name: str) -> dict[str, Any]:
    """Return what a file says, as plain data."""
    content = OmegaConf.to_container(OmegaConf.load(CONFIGS / group / f"{name}.yaml"))
    return {str(k): v for k, v in content.items()} if isinstance(content, dict) else {}


def names(group: str) -> list[str]:
    """Return the options of a group that build something."""
    found = sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))
    return [name for name in found if "_target_" in node(group, name)]


def build(group: str, name: str, *, offer: dict[str, Any] | None = None, **given: Any) -> Any:
    """Build an option with some arguments `given`, and those on `offer` that it asks for."""
    content = {**node(group, name), "_partial_": True}
    asked = inspect.signature(get_object(content["_target_"])).parameters
    offered = {k: v for k, v in (offer or {}).items() if k in asked}
    return instantiate(content, _convert_="all")(**offered, **given)
