"""The scripts of docs/, which are no package."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[1] / "docs"


def script(name: str) -> ModuleType:
    """Return a script as a module; it finds its neighbours as it does when it is started."""
    if str(DOCS) not in sys.path:
        sys.path.append(str(DOCS))
    return import_module(name)
