"""A node's arguments against the signature of its `_target_`: the constructor is the schema."""

import inspect
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from seedbed.nearest import nearest
from seedbed.target import IDLE, KEYS, Node, part, resolve
from seedbed.trust import Untrusted

SCALARS: dict[Any, Any] = {
    float: int | float,
    int: int,
    bool: bool,
    str: str,
    type(None): type(None),
}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def misfits(
    path: str, node: Node, group: str | None = None, offered: Iterable[str] = ()
) -> Iterator[str]:
    """Yield what is wrong between a node and its target, one line a problem.

    Args:
        path: where the node stands.
        node: `_target_` and its arguments.
        group: config group whose part it is; None for a node inside a part.
        offered: arguments that it is given besides.
    """
    try:
        target = part(node["_target_"], group)
    except Untrusted as error:
        yield f"{path}._target_={shown(node['_target_'])}: {error}"
        return
    except Exception as error:
        why = str(error).splitlines()[0]
        yield f"{path}._target_={node['_target_']}: cannot be imported ({why})"
        return
    given = {k: v for k, v in node.items() if k not in KEYS | IDLE}
    taken = parameters_of(target)
    yield from idle(path, node, taken)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    names = {k for k, p in taken.items() if p.kind in NAMED}
    free = names - set(offered)
    if not open_ended:
        yield from strangers(path, node["_target_"], given, names, free)
    hints = hints_of(target)
    for key in given.keys() & hints.keys():
        value = given[key]
        if plain(value) and not fits(value, hints[key]):
            yield f"{path}.{key}={shown(value)}: {node['_target_']} expects {words(hints[key])}"
    if not node.get("_partial_"):
        own = own_parameters(target)
        needed = {k for k in free & own.keys() if own[k].default is inspect.Parameter.empty}
        for key in sorted(needed - given.keys()):
            yield f"{path}.{key}: {node['_target_']} needs a value for it"


def idle(path: str, node: Node, taken: Mapping[str, inspect.Parameter]) -> Iterator[str]:
    """Yield the keys of Hydra's that say nothing here."""
    for key in sorted(IDLE & node.keys()):
        yield f"{path}.{key}: it has no effect here; remove it"
    if node.get("_args_") and not any(p.kind is p.VAR_POSITIONAL for p in taken.values()):
        yield f"{path}._args_: {node['_target_']} takes its arguments by name"


def strangers(
    path: str, target: str, given: Node, names: set[str], free: set[str]
) -> Iterator[str]:
    """Yield the arguments that the target does not have: slips, and what an option left behind."""
    unknown = [key for key in given if key not in names]
    slips = [key for key in unknown if nearest(key, free).startswith("did")]
    left = [key for key in unknown if key not in slips]
    if len(left) > 1:
        these, removed = ", ".join(left), " ".join(f"~{path}.{key}" for key in left)
        yield f"{path}: {target} has no arguments {these}; remove them with {removed}"
    for key in slips + left * (len(left) == 1):
        what = f"{path}.{key}={shown(given[key])}: {target} has no argument {key!r}"
        yield f"{what}; {nearest(key, free)}" + f"; ~{path}.{key} removes it" * (key in left)


def own_parameters(target: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of `target` itself; those of a base are its own business."""
    try:
        return inspect.signature(target).parameters
    except ValueError:
        return {}


def parameters_of(target: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters of `target`, with those that `**kwargs` passes on to its bases."""
    try:
        found = dict(inspect.signature(target).parameters)
    except ValueError:  # written in C: takes what it likes
        return {"rest": inspect.Parameter("rest", inspect.Parameter.VAR_KEYWORD)}
    for base in target.__mro__[1:-1] if inspect.isclass(target) else ():
        rest = [k for k, p in found.items() if p.kind is p.VAR_KEYWORD]
        if not rest:
            break
        if "__init__" in vars(base):
            del found[rest[0]]
            own = dict(inspect.signature(base.__init__).parameters)
            own.pop("self", None)
            found = {**own, **found}
    return found


def hints_of(target: Any) -> dict[str, Any]:
    """Return the annotations of what calling `target` takes, bases included; {} if unreadable."""
    functions = [target]
    if inspect.isclass(target):
        functions = [vars(c)["__init__"] for c in target.__mro__[:-1] if "__init__" in vars(c)]
    found: dict[str, Any] = {}
    for function in functions:
        try:
            found = {**get_type_hints(inspect.unwrap(function)), **found}
        except Exception:  # noqa: S112 -- another library's annotations may not be importable
            continue
    return {k: v for k, v in found.items() if k in parameters_of(target)}


def plain(value: Any) -> bool:
    """Return whether a value is data, without nodes that become objects."""
    if isinstance(value, Mapping):
        return "_target_" not in value and all(plain(v) for v in value.values())
    if isinstance(value, list):
        return all(plain(v) for v in value)
    return True


def fits(value: Any, hint: Any) -> bool:
    """Return whether data from YAML is what `hint` asks for; unknown hints accept everything."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, arg) for arg in args)
    if origin is Literal:
        return any(value == arg and type(value) is type(arg) for arg in args)
    if hint is None or hint in SCALARS:
        wanted = SCALARS.get(hint, type(None))
        return isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
    if origin is tuple and ... not in args:
        return isinstance(value, list) and len(value) == len(args) and all(map(fits, value, args))
    kind = origin or hint
    if not inspect.isclass(kind) or kind in (Any, object, type) or is_protocol(kind):
        return True
    if hasattr(kind, "__fspath__"):
        return isinstance(value, str)
    if kind in (tuple, set, frozenset) and not args:
        return isinstance(value, list)
    if issubclass(kind, Mapping):
        return isinstance(value, Mapping)
    if issubclass(kind, Iterable) and args:
        return isinstance(value, list) and all(fits(v, args[0]) for v in value)
    return isinstance(value, Mapping | kind)  # some other object: a node describes it


def is_protocol(kind: type) -> bool:
    """Return whether only a call can tell what fits."""
    return bool(getattr(kind, "_is_protocol", False)) and kind not in (Iterable, Mapping)


def words(hint: Any) -> str:
    """Return what `hint` asks for in a user's words."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds = [words(a) for a in args if simple(a)]
        return " or ".join(dict.fromkeys(kinds)) or "something else"
    if origin is Literal:
        return (
            ", ".join(map(str, args)) if len(args) == 1 else f"one of {', '.join(map(str, args))}"
        )
    names = {
        float: "a number",
        int: "a whole number",
        bool: "true or false",
        str: "text",
        type(None): "null",
    }
    if hint in names:
        return names[hint]
    if origin is tuple and ... not in args:
        return f"a list of {len(args)}: [{', '.join(words(a) for a in args)}]"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return "a mapping {key: value}"
    if args and inspect.isclass(origin) and issubclass(origin, Iterable):
        return f"a list, each {words(args[0])}"
    return getattr(hint, "__name__", str(hint))


def simple(hint: Any) -> bool:
    """Return whether a value for `hint` can be written on a command line."""
    plain_types = (float, int, bool, str, type(None))
    return hint in plain_types or get_origin(hint) in (tuple, Literal, list, Sequence)


def shown(value: Any) -> str:
    """Return a value as a command line writes it."""
    text = str(value).replace("'", "") if isinstance(value, list) else str(value)
    return "null" if value is None else text if len(text) < 60 else f"{text[:57]}..."


def built(node: Node, **stand_ins: Any) -> Any:
    """Return what a node describes, with those `stand_ins` that its target takes."""
    target = resolve(node["_target_"])
    given = {k: v for k, v in node.items() if k not in KEYS | IDLE}
    wanted = {k: v for k, v in stand_ins.items() if k in parameters_of(target)}
    return target(**(wanted | given))


def refusal(node: Node, **stand_ins: Any) -> str | None:
    """Return why the target does not accept its values, by building it once."""
    try:
        built(node, **stand_ins)
    except Exception as error:  # whatever a constructor says against its values
        return str(error).splitlines()[0]
    return None


SHAPES = ((8,), (16, 8), (1, 28, 28), (3, 64, 64), (3, 60, 60), (3, 8, 32, 32))


def stubborn(node: Node, outputs: Sequence[int] = (2, 10)) -> str | None:
    """Return why a model refuses one of its values whatever the data is like.

    It is tried with inputs of every rank, without memory.  What it says of all of them in the same
    words, naming an argument, is not about the inputs.

    Args:
        node: `_target_` and its arguments; what needs more than shape and outputs is not tried.
        outputs: numbers K of outputs to try.
    """
    if not {"spec", "load"}.isdisjoint(parameters_of(resolve(node["_target_"]))):
        return None
    from torch import device  # heavy

    said = set()
    for shape, count in product(SHAPES, outputs):
        try:
            with device("meta"):
                built(node, shape=shape, outputs=count)
        except ValueError as error:
            said.add(str(error).splitlines()[0])
        except Exception:  # of the stand-ins: what is wrong with a value is a ValueError
            return None
        else:
            return None
    words = said.pop() if len(said) == 1 else ""
    return words if re.split(r"\W", words)[0] in node else None


def stand_in_parameters() -> list[Any]:
    """Return one parameter, for an optimizer to hold while its other arguments are tried."""
    from torch import nn, zeros  # heavy

    return [nn.Parameter(zeros(1, 1))]
