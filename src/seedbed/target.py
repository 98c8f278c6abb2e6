"""What a `_target_` leads to: judged before it is imported, and again before it is called."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from seedbed import lean
from seedbed.nearest import nearest
from seedbed.trust import (
    KINDS,
    PLACES,
    Untrusted,
    covered,
    dotted,
    importable,
    judge,
    judge_kind,
    stranger,
)

Node = Mapping[str, Any]
KEYS = {"_target_", "_partial_", "_args_"}  # of a node, beside the arguments of its target
IDLE = {"_recursive_", "_convert_"}  # Hydra's: nodes in nodes are built here, data stays plain


def resolve(name: Any) -> Any:
    """Return the class or function that a `_target_` names.

    Raises:
        Untrusted: it is not one that may be called.
        ImportError: there is nothing of that name.
    """
    if not dotted(name):
        raise Untrusted("the dotted name of a class is expected")
    top = name.partition(".")[0]
    if top not in PLACES and not covered(name):
        raise Untrusted(stranger(top))
    found = locate(name)
    judge(found, name)
    return found


def part(name: Any, group: str | None) -> Any:
    """Return what `resolve` does, of a kind that fits.

    Args:
        name: as it is written.
        group: config group whose part it is to be; None for a node inside a part.

    Raises:
        Untrusted: it is not one that may be called there.
        ImportError: there is nothing of that name.
    """
    if KINDS.get(str(group), "").startswith("lightning."):
        lean.lightning()
    found = resolve(name)
    judge_kind(found, group)
    if group == "optimizer":
        lean.spare(found)
    return found


def locate(name: str) -> Any:
    """Return what a dotted name leads to; this imports its module.

    Raises:
        ImportError: there is nothing of that name.
    """
    pieces = name.split(".")
    for cut in range(len(pieces) - 1, 0, -1):
        module = ".".join(pieces[:cut])
        if not importable(module):
            continue
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name and module.startswith(error.name):
                continue
            raise ImportError(f"it needs {error.name!r}, which is not installed") from error
        for piece in pieces[cut:]:
            if not hasattr(found, piece):
                name = getattr(found, "__name__", type(found).__name__)
                raise ImportError(f"{name} has no {piece!r}; {nearest(piece, dir(found))}")
            found = getattr(found, piece)
        return found
    raise ImportError(f"there is no module {pieces[0]!r}")


def nodes(tree: Any, path: str) -> Iterator[tuple[str, Node]]:
    """Yield `(path, node)` for every node with a `_target_`, outermost first."""
    if isinstance(tree, Mapping):
        if "_target_" in tree:
            yield path, dict(tree)
        for key, child in tree.items():
            yield from nodes(child, f"{path}.{key}")
    elif isinstance(tree, list):
        for index, child in enumerate(tree):
            yield from nodes(child, f"{path}[{index}]")


def examine(path: str, tree: Any) -> None:
    """Judge the part at `path`, and every node in it, before any of them is called.

    Args:
        path: `<group>` or `<group>.<option>`.
        tree: `_target_` and its arguments, which may hold other nodes.

    Raises:
        Untrusted: one may not be called; the line names its place.
        ImportError: there is nothing of that name.
    """
    for place, node in nodes(tree, path):
        try:
            part(node["_target_"], path.partition(".")[0] if place == path else None)
        except Untrusted as error:
            raise Untrusted(f"{place}._target_={node['_target_']}: {error}") from None


def construct(node: Node, **offers: Any) -> Any:
    """Return the object that an examined part describes, given these arguments, too."""
    return _call(node)(**offers)


def _call(node: Node) -> Callable[..., Any]:
    given = {k: _built(v) for k, v in node.items() if k not in KEYS | IDLE}
    return partial(resolve(node["_target_"]), *_built(node.get("_args_", [])), **given)


def _built(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_built(child) for child in tree]
    if not isinstance(tree, Mapping):
        return tree
    if "_target_" not in tree:
        return {key: _built(child) for key, child in tree.items()}
    call = _call(tree)
    return call if tree.get("_partial_") else call()
