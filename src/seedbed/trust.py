"""Who is trusted, and what a trusted package may give: classes of the kinds that a training has.

An object is judged by its own module and name.  A prefix of the name that was written would prove
nothing: `torch.optim.optimizer.torch.load` is `torch.load`.
"""

import contextlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

PLACES: dict[str, tuple[str, ...]] = {  # where the parts of what is always trusted are defined
    "seedbed": tuple(
        f"seedbed.{room}."
        for room in (
            *("data", "scaling", "model", "loss", "init", "task", "optimizer", "param_groups"),
            *("scheduler", "regularizer", "augment", "callback", "compress", "checkpoint"),
            "logger",
        )
    ),
    "torch": ("torch.nn.modules.", "torch.optim."),
    "lightning": (
        *(f"lightning.pytorch.{room}." for room in ("trainer", "callbacks", "loggers")),
        *(f"lightning.pytorch.{room}." for room in ("profilers", "strategies", "accelerators")),
        *("lightning.pytorch.plugins.", "lightning.fabric.plugins.environments."),
    ),
}
MODULE = "torch.nn.modules.module.Module"
OPTIMIZER = "torch.optim.optimizer.Optimizer"
CALLBACK = "lightning.pytorch.callbacks.callback.Callback"
LOGGER = "lightning.pytorch.loggers.logger.Logger"
KINDS = {  # what the part of a group must inherit from; in the other groups it must be callable
    **dict.fromkeys(("scaling", "target_scaling", "model", "loss", "regularizer"), MODULE),
    "data": "lightning.pytorch.core.datamodule.LightningDataModule",
    "task": "lightning.pytorch.core.module.LightningModule",
    "optimizer": OPTIMIZER,
    **dict.fromkeys(("callback", "doctor"), CALLBACK),
    "checkpoint": "lightning.pytorch.callbacks.checkpoint.Checkpoint",
    "logger": LOGGER,
    "trainer": "lightning.pytorch.trainer.trainer.Trainer",
}
INNER = {  # what a node inside another may inherit from
    *(MODULE, OPTIMIZER, CALLBACK, LOGGER),
    "lightning.pytorch.profilers.profiler.Profiler",
    "lightning.pytorch.strategies.strategy.Strategy",
    "lightning.pytorch.accelerators.accelerator.Accelerator",
    "lightning.pytorch.plugins.precision.precision.Precision",
    "lightning.fabric.plugins.environments.cluster_environment.ClusterEnvironment",
}

_trusted: frozenset[str] = frozenset()  # what the user named: packages, modules, functions


class Untrusted(ValueError):
    """A target that is not called, and why, in one line."""


def trust(names: Iterable[str]) -> None:
    """Trust the classes of these packages, and these very functions, from now on and no others.

    Raises:
        Untrusted: one is no dotted name, a part of Python, or trusted as far as it can be.
    """
    global _trusted  # noqa: PLW0603 -- one process, one user
    named = frozenset(names)
    for name in sorted(named):
        top = name.partition(".")[0]
        if not dotted(name) or top in PLACES or top in sys.stdlib_module_names:
            raise Untrusted(f"trust=[{name}]: the name of a package of your own is expected")
    _trusted = named


def trusted() -> frozenset[str]:
    """Return what the user trusts beside seedbed, torch and lightning."""
    return _trusted


@contextlib.contextmanager
def trusting(names: Iterable[str]) -> Iterator[None]:
    """Trust these, too, for a while."""
    before = _trusted
    trust(before | frozenset(names))
    try:
        yield
    finally:
        trust(before)


def dotted(name: Any) -> bool:
    """Return whether a value is written as a name of Python."""
    return isinstance(name, str) and all(piece.isidentifier() for piece in name.split("."))


def covered(name: str) -> bool:
    """Return whether the user trusts what has this full name, or what it is in."""
    return any(name == known or name.startswith(f"{known}.") for known in _trusted)


def stranger(top: str) -> str:
    """Return why a package is not trusted, and how it can be."""
    if top in sys.stdlib_module_names:
        return f"{top!r} is part of Python, which has no parts of a training"
    return (
        f"{top!r} is not trusted; add trust=[{top}] to the command line, "
        f'or trust = ["{top}"] under [tool.seedbed] in pyproject.toml'
    )


def importable(module: str) -> bool:
    """Return whether parts are looked for in a module, or in what it contains."""
    places = PLACES.get(module.partition(".")[0])
    inside = f"{module}."
    return places is None or any(inside.startswith(p) or p.startswith(inside) for p in places)


def judge(found: Any, name: str) -> None:
    """Refuse what is neither a class of a trusted package nor a function that the user named.

    Raises:
        Untrusted: it is neither.
    """
    if not inspect.isclass(found):
        judge_function(found, name)
        return
    own = full_name(found)
    top = own.partition(".")[0]
    if top in PLACES:
        if not own.startswith(PLACES[top]):
            raise Untrusted(f"{own} is not a part of a training")
    elif not covered(own):
        raise Untrusted(f"it is {own}; {stranger(top)}")


def full_name(found: Any) -> str:
    """Return the name of a class or a function, by its own account."""
    return f"{getattr(found, '__module__', None)}.{getattr(found, '__qualname__', None)}"


def judge_kind(found: Any, group: str | None) -> None:
    """Refuse a class whose objects are no part of a group; what a function gives is not known.

    Args:
        found: what passed `judge`.
        group: config group whose part it is to be; None for a node inside a part.

    Raises:
        Untrusted: it is of another kind.
    """
    if not inspect.isclass(found):
        return
    own = full_name(found)
    top = own.partition(".")[0]
    bases = {full_name(base) for base in found.__mro__}
    calls = any("__call__" in vars(base) for base in found.__mro__)
    if group is None:
        if top in PLACES and not bases & INNER and not (calls and top == "seedbed"):
            raise Untrusted(f"{own} is not a part of another part")
    elif group in KINDS and KINDS[group] not in bases:
        raise Untrusted(f"a subclass of {KINDS[group].rpartition('.')[2]} is expected")
    elif group not in KINDS and not calls:
        raise Untrusted("a class whose objects can be called is expected")


def judge_function(found: Any, name: str) -> None:
    """Refuse every function but those that the user named.

    Raises:
        Untrusted: this is another one, or none at all.
    """
    if not callable(found):
        raise Untrusted("a class or a function is expected")
    own, top = full_name(found), name.partition(".")[0]
    alone = inspect.isfunction(found) and found.__qualname__.isidentifier()  # no method, no lambda
    if not alone or own.partition(".")[0] != top or top in PLACES:
        raise Untrusted(f"it is {own}, and a class is expected")
    if name not in _trusted:
        raise Untrusted(f"it is a function and a class is expected; to call it, trust=[{name}]")
