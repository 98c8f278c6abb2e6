"""The shapes of a pruned model, taken from its checkpoint: plain torch."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from seedbed.compress._width import blocks, held, put, settle
from seedbed.compress._workbench import place


def adopt(net: nn.Module, state: Mapping[str, Any], shape: Sequence[int] | None = None) -> None:
    """Give a model the widths that a checkpoint has, then its weights.

    Linear and convolutional layers and norms become as narrow as their tensors; parametrizations
    that the checkpoint knows nothing of (weight norm, which pruning resolves) are removed.  A
    checkpoint of the model as it was built is loaded as ever.

    Args:
        net: as its config describes it; changed in place, and of no use after an error.
        state: names to tensors, the whole of them.
        shape: of one input.  With it the model is tried on zeros before and after: its layers
            must fit each other and its outputs stay as many.  Without it only what each layer
            tells of itself is known, and of a layer named `head` that its outputs are the same.

    Raises:
        ValueError: `state` cannot be of this model or a narrower one; the message is one line.
    """
    before = _outputs(net, shape)
    _resolve(net, state)
    _refuse_names(net, state)
    for name, module in net.named_modules():
        _shape(name, module, state)
    net.load_state_dict(dict(state))
    if before is not None and (after := _outputs(net, shape)) != before:
        told = f"gives {after} instead of {before}" if after else "has layers that do not fit"
        raise ValueError(f"the checkpoint's model {told}: it is not of this model")


def _outputs(net: nn.Module, shape: Sequence[int] | None) -> tuple[int, ...] | None:
    """Return the shape of the outputs for two inputs of zeros; None if the model takes none."""
    if shape is None:
        return None
    modes = {module: module.training for module in net.modules()}
    try:
        with torch.no_grad():
            return tuple(net.eval()(torch.zeros(2, *shape, device=place(net))).shape)
    except (RuntimeError, ValueError, IndexError):
        return None
    finally:
        for module, mode in modes.items():
            module.training = mode


def _resolve(net: nn.Module, state: Mapping[str, Any]) -> None:
    """Make plain weights of the parametrized ones that a checkpoint holds plain."""
    for name, module in list(net.named_modules()):
        if is_parametrized(module):
            for tensor in list(cast(Any, module).parametrizations):
                if joined(name, tensor) in state:
                    remove_parametrizations(module, tensor)


def _refuse_names(net: nn.Module, state: Mapping[str, Any]) -> None:
    """Refuse a checkpoint with other names.

    Raises:
        ValueError: it has.
    """
    own = net.state_dict().keys()
    for what, names in (("lacks", own - state.keys()), ("has an unknown", state.keys() - own)):
        if names:
            first, more = min(names), f" and {len(names) - 1} more" * (len(names) > 1)
            raise ValueError(f"the checkpoint {what} {first!r}{more}: it is not of this model")


def _shape(name: str, module: nn.Module, state: Mapping[str, Any]) -> None:
    """Give one layer the shapes of its tensors in the checkpoint.

    Raises:
        ValueError: no narrower layer of this kind has such tensors.
    """
    own = {**module._parameters, **module._buffers}
    old = {k: v for k, v in own.items() if v is not None and joined(name, k) in state}
    new: dict[str, Any] = {k: getattr(state[joined(name, k)], "shape", None) for k in old}
    if all(new[k] == old[k].shape for k in old):
        return
    for k, tensor in old.items():
        free = {side[k] for side in (held(module, "out"), held(module, "in")) if k in side}
        if not narrower(new[k], tensor.shape, free):
            raise ValueError(
                f"the checkpoint's {joined(name, k)} has shape {listed(new[k])}, "
                f"the model's has {listed(tensor.shape)}"
            )
    _refuse_sizes(f"the checkpoint's {name}", module, new)
    kept = name.removeprefix("model.") == "head"
    if kept and any(new[k][dim] != old[k].shape[dim] for k, dim in held(module, "out").items()):
        raise ValueError(f"the checkpoint's {name} has another number of outputs than the model's")
    for k, tensor in old.items():
        if new[k] != tensor.shape:
            put(module, k, tensor.new_empty(new[k]))
    settle(module)


def _refuse_sizes(name: str, module: nn.Module, shapes: Mapping[str, Any]) -> None:
    """Refuse a layer whose tensors are not equally wide.

    Raises:
        ValueError: it is one.
    """
    sizes = {k: shapes[k][dim] for k, dim in held(module, "out").items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{k} {size}" for k, size in sizes.items())
        raise ValueError(f"{name} has widths that do not agree: {told}")
    if any(size % blocks(module) for size in sizes.values()):
        size = next(iter(sizes.values()))
        raise ValueError(f"{name}: {blocks(module)} groups do not divide its {size} channels")


def narrower(new: Sequence[int] | None, old: Sequence[int], free: Collection[int]) -> bool:
    """Return whether a shape differs from the old one at most by being smaller where it may be."""
    if new is None or len(new) != len(old):
        return False
    sizes = enumerate(zip(new, old, strict=True))
    return all(a == b or (dim in free and 0 < a < b) for dim, (a, b) in sizes)


def joined(name: str, tensor: str) -> str:
    """Return the name of a module's tensor in the model."""
    return f"{name}.{tensor}" if name else tensor


def listed(shape: Sequence[int] | None) -> str:
    """Return a shape in words."""
    return "none" if shape is None else str(tuple(shape))
