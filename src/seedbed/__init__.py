"""seedbed: every training technique is one option, one file and one number that proves it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.run.load import load as load

__all__ = ["load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `load` when it is first asked for: it needs torch, `--help` does not."""
    if name == "load":
        from seedbed.run.load import load

        return load
    raise AttributeError(f"module 'seedbed' has no attribute {name!r}")
