"""Whether the numbers in a checkpoint are finite, and those of the model that asks for them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

RAW = "raw_state_dict"  # the weights that training goes on from, where an average is saved


def poison(content: Mapping[str, Any], parameters: Collection[str]) -> str | None:
    """Return which number of a checkpoint is not finite, None if all are.

    Args:
        content: what the checkpoint holds.
        parameters: names in the state that are learned.  They must be finite; a buffer may hold
            an infinite mask or range, but no NaN.
    """
    if finite({key: content.get(key) for key in ("state_dict", RAW, "optimizer_states")}):
        return None
    for key in ("state_dict", RAW):
        for name, value in content.get(key, {}).items():
            if isinstance(value, Tensor) and (kind := unsound(value, name in parameters)):
                return f"{name} holds {kind}"
    for value in tensors(content.get("optimizer_states", [])):
        if kind := unsound(value, finite=False):
            return f"the state of the optimizer holds {kind}"
    return None


def finite(tree: Any) -> bool:
    """Return whether all numbers are finite, asking all tensors at once.

    False also where torch cannot tell so quickly; then each must be looked at.
    """
    all_of_them = [each.detach() for each in tensors(tree) if each.numel()]
    found = [each for each in all_of_them if each.is_floating_point()]
    if any(each.is_complex() for each in all_of_them) or any(e.itemsize == 1 for e in found):
        return False
    if not found:
        return True
    largest = torch._foreach_norm(found, float("inf"))  # NaN if there is one
    here = largest[0].device
    return bool(torch.stack([each.to(here, torch.float64) for each in largest]).isfinite().all())


def unsound(value: Tensor, finite: bool) -> str | None:
    """Return what a tensor holds that it must not: NaN, or where it has to be finite, infinity."""
    if not (value.is_floating_point() or value.is_complex()):
        return None
    wide = value.float() if value.itemsize == 1 else value  # torch cannot ask eight bits
    if wide.isnan().any():
        return "NaN"
    return "an infinite number" if finite and not wide.isfinite().all() else None


def tensors(tree: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested dicts and lists."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for branch in tree.values():
            yield from tensors(branch)
    elif isinstance(tree, list | tuple):
        for branch in tree:
            yield from tensors(branch)


def lacking(content: Mapping[str, Any], needed: Collection[str]) -> str | None:
    """Return which of the `needed` entries a checkpoint lacks first, None if none."""
    missing = [key for key in needed if key not in content]
    if missing:
        return f"it has no {missing[0]!r}"
    odd = [key for key in ("state_dict", "spec") if not isinstance(content[key], Mapping)]
    return f"its {odd[0]!r} is no table" if odd else None


def foreign(state: Mapping[str, Any], own: Mapping[str, Tensor]) -> str | None:
    """Return in what a saved state differs from the one that asks for it, None if in nothing.

    Args:
        state: tensors by name, as they were saved.
        own: tensors by name, as the model has them.
    """
    for name, value in own.items():
        if name not in state:
            return f"it has no {name}"
        if not isinstance(state[name], Tensor) or state[name].shape != value.shape:
            return f"its {name} is of another shape"
    extra = [name for name in state if name not in own]
    return f"its {extra[0]} is not in the model" if extra else None
