"""Lightning, imported without what it does not use."""

import sys
from types import ModuleType

SIGNAL = "scipy.signal"


def lightning() -> None:
    """Import Lightning, unless that has been done.

    torchmetrics, which Lightning imports, imports `scipy.signal` for nothing but to give it a name
    that another library once missed: 500 modules, 60 MB and a tenth of the time of
    `import lightning`.  For as long as that import takes, an empty module stands in for it; whoever
    asks for `scipy.signal` afterwards gets the real one.
    """
    if "lightning" in sys.modules or SIGNAL in sys.modules:
        return
    empty = ModuleType(SIGNAL)
    empty.hamming = None  # pyright: ignore[reportAttributeAccessIssue]  # the name
    sys.modules[SIGNAL] = empty
    try:
        import lightning as _  # noqa: F401
    finally:
        if sys.modules.get(SIGNAL) is empty:
            del sys.modules[SIGNAL]
