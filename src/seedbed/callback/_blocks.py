"""A model's body as a chain of blocks, from the input to the head, without naming any layer."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from seedbed.features import head_of

CONTAINERS = (nn.Sequential, nn.ModuleList)
FOLLOWING = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.PReLU)  # of the layer before


@dataclass(frozen=True, slots=True)
class Block:
    """What is frozen or trained as one."""

    modules: tuple[nn.Module, ...]  # each alone: its children stand beside it
    parameters: tuple[nn.Parameter, ...]  # those that would learn

    def freeze(self) -> None:
        """Let no gradient reach it."""
        for parameter in self.parameters:
            parameter.requires_grad_(False)

    def rest(self) -> None:
        """Keep its modules in eval mode, so that no running statistic moves."""
        for module in self.modules:
            module.training = False

    def thaw(self) -> None:
        """Let it learn."""
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        for module in self.modules:
            module.training = True


def blocks(model: nn.Module, x: Tensor | None = None) -> list[Block]:
    """Return the blocks below the head, that at the input first.

    A part of the body that has weights starts a block; norms, activations and pooling belong to
    the one before.  Sequences are opened, and so is the body itself; a module with a forward pass
    of its own, as a residual block, is one part.  What no part holds belongs to the first block.

    Args:
        model: has a `head`; a net whose `model` has one.
        x: examples `(B, ...)`: the parts are put in the order in which these pass them; without
            examples it is the order in which the model lists them.

    Raises:
        ValueError: no head, nothing to learn below it, or a parameter that both share.
    """
    head, inner = head_of(model), body_of(model)
    above = {id(module) for module in head.modules()}
    parts = list(opened(inner, above, getattr(inner, "body", None)))
    if x is not None:
        parts = executed(model, parts, x)
    chain = chained(parts)
    taken = {id(p) for p in head.parameters()}
    if any(id(p) in taken for part in parts for p in part.parameters()):
        raise ValueError(f"{type(inner).__name__} shares a parameter between body and head")
    placed = above | {id(module) for part in parts for module in part.modules()}
    rest = [module for module in inner.modules() if id(module) not in placed]
    seen, found = above, []
    for index, members in enumerate(chain):
        inside = [m for part in members for m in part.modules()] + (rest if index == 0 else [])
        fresh = {id(m): m for m in inside if id(m) not in seen}
        seen = seen | set(fresh)
        own = {id(p): p for m in fresh.values() for p in m.parameters(recurse=False)}
        own = {key: p for key, p in own.items() if key not in taken}
        taken |= set(own)
        free = tuple(p for p in own.values() if p.requires_grad)
        found.append(Block(tuple(fresh.values()), free))
    if not any(block.parameters for block in found):
        raise ValueError(f"{type(inner).__name__} has nothing below its head that learns")
    return found


def body_of(model: nn.Module) -> nn.Module:
    """Return the module that has the head."""
    inner = getattr(model, "model", model)
    assert isinstance(inner, nn.Module)
    return inner


def opened(module: nn.Module, above: set[int], body: object) -> Iterator[nn.Module]:
    """Yield the parts of a module but those of the head, sequences and the body opened."""
    for child in module.children():
        if id(child) in above:
            continue
        inside = isinstance(child, CONTAINERS) or child is body
        if inside and any(True for _ in child.children()):
            yield from opened(child, above, body)
        else:
            yield child


@torch.no_grad()
def executed(model: nn.Module, parts: list[nn.Module], x: Tensor) -> list[nn.Module]:
    """Return the parts in the order in which examples pass them; what they never pass first."""
    calls: dict[int, int] = {}

    def note(module: nn.Module, inputs: object) -> None:
        calls.setdefault(id(module), len(calls))

    modes = {module: module.training for module in model.modules()}
    hooks = [part.register_forward_pre_hook(note) for part in parts]
    try:
        model.eval()
        model(x)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    return sorted(parts, key=lambda part: calls.get(id(part), -1))


def chained(parts: list[nn.Module]) -> list[list[nn.Module]]:
    """Return the parts in blocks: each begins with one that has weights."""
    chain: list[list[nn.Module]] = [[]]
    begun = False
    for part in parts:
        if starts(part):
            if begun:
                chain.append([])
            begun = True
        chain[-1].append(part)
    return chain


def starts(part: nn.Module) -> bool:
    """Return whether a part has weights, and is no norm."""
    return not isinstance(part, FOLLOWING) and any(True for _ in part.parameters())
