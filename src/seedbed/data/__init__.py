"""Where batches come from: splits, shuffling, batch size."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.data._memory import InMemory as InMemory

__all__ = ["InMemory"]


def __getattr__(name: str) -> Any:
    """Import what data of your own inherits from; Lightning, which it needs, is slow to import."""
    if name != "InMemory":
        raise AttributeError(f"module 'seedbed.data' has no attribute {name!r}")
    from seedbed.data._memory import InMemory

    return InMemory
