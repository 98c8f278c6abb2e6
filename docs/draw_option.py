"""What every drawing needs: an option as its YAML has it, a picture that says what it shows."""

from collections.abc import Callable
from html import escape
from typing import Any

import ink
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from seedbed import help
from seedbed.signature import built


def made(group: str, option: str, *, offer: dict[str, Any] | None = None, **given: Any) -> Any:
    """Build an option with some arguments `given`, and those on `offer` that it asks for."""
    node = OmegaConf.to_container(OmegaConf.load(help.CONFIGS / group / f"{option}.yaml"))
    assert isinstance(node, dict)
    return built({str(k): v for k, v in node.items()} | given, **(offer or {}))


def picture(
    seen: str, draw: Callable[[Figure], None], width: float = 4.8, height: float = 2.2
) -> str:
    """Return what `draw` puts on a figure, as SVG; the words on what is `seen` are its title."""
    svg = ink.drawn(draw, width, height)
    return svg.replace("<style>", f"<title>{escape(seen)}</title>\n<style>", 1)
