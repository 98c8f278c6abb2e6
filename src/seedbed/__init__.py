"""seedbed: every training technique is one option, one file and one number that proves it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.notebook import Result as Result
    from seedbed.notebook import compose as compose
    from seedbed.notebook import fit as fit
    from seedbed.run.folder import Refused as Refused
    from seedbed.run.load import load as load

HOMES = {  # of what is offered here, imported when it is first asked for: torch takes seconds
    "Refused": "seedbed.run.folder",
    "Result": "seedbed.notebook",
    "compose": "seedbed.notebook",
    "fit": "seedbed.notebook",
    "load": "seedbed.run.load",
}
__all__ = ["Refused", "Result", "compose", "fit", "load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in HOMES:
        raise AttributeError(f"module 'seedbed' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
