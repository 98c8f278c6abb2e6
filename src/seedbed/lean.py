"""A quick start: Lightning without what it does not use, and no search for garbage among modules.

Half of the time of `import lightning` goes into modules of which it wants a name and no more:
torch's compiler (to recognise what that has made), matplotlib (to annotate torchmetrics' `plot`)
and `scipy.signal` (to give it a name that another library once missed).  For as long as the import
takes, modules that know those names stand in for them.  The log says what that saves ("Start-up").
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any


class Later(ModuleType):
    """A module that is imported once it is asked for what it does not know.

    Args:
        name: of the module.
        known: what it knows until then, and does not afterwards.
    """

    def __init__(self, name: str, **known: Any) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)  # for who asks whether it is installed
        vars(self).update(known)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by the import system of any module
            raise AttributeError(name)
        self.make_way()
        return getattr(import_module(self.__name__), name)

    def make_way(self) -> None:
        """Leave the place to the real module."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def forget(self) -> None:
        """Know nothing any more."""
        for name in [name for name in vars(self) if not name.startswith("__")]:
            delattr(self, name)


class Compiling(type):
    """The type of `OptimizedModule`, of which there is none before torch's compiler is imported."""

    def __instancecheck__(cls, instance: Any) -> bool:
        real = sys.modules.get(COMPILER)
        return real is not None and isinstance(instance, real.OptimizedModule)


COMPILER = "torch._dynamo"
TOLD = "__dynamo_disable"  # where torch keeps a function as the compiler leaves it alone
OptimizedModule = Compiling("OptimizedModule", (), {})


def unstyled(*_: Any) -> Callable[[Any], Any]:
    """Return a decorator that changes nothing, in place of one that gives a plot its style."""
    return lambda function: function


def uncompiled(function: Callable[..., Any], recursive: bool = True, **_: Any) -> Any:
    """Return a function that torch's compiler leaves alone, once there is one."""
    from torch._compile import _disable_dynamo

    method = _disable_dynamo(function, recursive)
    tell_later(method)
    return method


def spare(optimizer: type) -> None:
    """Have the methods of an optimizer's class not import torch's compiler.

    torch imports it at the first call, to say that it is to leave the method alone; while nothing
    else has imported it, there is nobody to be told.  From then on they are as torch wrote them.
    """
    from torch._compile import _disable_dynamo
    from torch.optim.optimizer import _use_grad_for_differentiable as differentiable

    told = _disable_dynamo(unstyled).__code__
    breaks = differentiable(unstyled).__code__
    for owner in optimizer.__mro__:
        for name, method in list(vars(owner).items()):
            code = getattr(method, "__code__", None)
            if code is told:
                tell_later(method)
            elif code is breaks:
                setattr(owner, name, unbroken(method))


def tell_later(method: Any) -> None:
    """Have a method that the compiler is to leave alone not import it to tell it so."""
    plain = method.__wrapped__

    def untold(*args: Any, **named: Any) -> Any:
        if COMPILER not in sys.modules:
            return plain(*args, **named)
        if getattr(plain, TOLD) is untold:
            delattr(plain, TOLD)
        return method(*args, **named)

    if not hasattr(plain, TOLD):
        setattr(plain, TOLD, untold)


def unbroken(method: Any) -> Callable[..., Any]:
    """Return a step that breaks no graph until there is a compiler that makes one."""
    from torch import set_grad_enabled

    plain = method.__wrapped__

    @wraps(plain)
    def step(optimizer: Any, *args: Any, **named: Any) -> Any:
        if COMPILER in sys.modules:
            return method(optimizer, *args, **named)
        with set_grad_enabled(optimizer.defaults["differentiable"]):
            return plain(optimizer, *args, **named)

    return step


def stand_ins() -> list[Later]:
    """Return modules that know what Lightning and torchmetrics want of them to be imported."""
    found = [
        Later("scipy.signal", hamming=None),
        Later(COMPILER, OptimizedModule=OptimizedModule, disable=uncompiled),
    ]
    if "matplotlib" in sys.modules:
        return found
    axes = Later("matplotlib.axes", Axes=object)
    pyplot = Later("matplotlib.pyplot", Figure=object, style=SimpleNamespace(context=unstyled))
    colors = SimpleNamespace(Colormap=object)
    return [*found, axes, pyplot, Later("matplotlib", axes=axes, pyplot=pyplot, colors=colors)]


@contextmanager
def standing_in(modules: list[Later]) -> Iterator[None]:
    """Have modules stand in for those of their names that are not imported yet."""
    new = [module for module in modules if module.__name__ not in sys.modules]
    sys.modules.update({module.__name__: module for module in new})
    try:
        yield
    finally:
        for module in new:
            module.make_way()
            module.forget()


def lightning() -> None:
    """Import Lightning, unless that has been done."""
    if "lightning" in sys.modules:
        return
    with uncollected(), standing_in(stand_ins()):
        import lightning as _  # noqa: F401


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: what is imported stays, and there is much to look at."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def remembering(owner: type, *methods: str) -> Iterator[None]:
    """Have methods answer what they are asked again with what they answered first.

    Args:
        owner: the class, of whose instances there is one meanwhile.
        methods: names of methods that change nothing.
    """
    plain = {name: getattr(owner, name) for name in methods}
    for name, method in plain.items():
        setattr(owner, name, remembered(method))
    try:
        yield
    finally:
        for name, method in plain.items():
            setattr(owner, name, method)


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is called once for all arguments that are written alike."""
    answers: dict[str, Any] = {}

    def answer(*args: Any, **named: Any) -> Any:
        question = repr((args, named))
        if question not in answers:
            answers[question] = function(*args, **named)
        return answers[question]

    return answer


@cache
def keep() -> None:
    """Never again look for garbage among what there is now; only the first call counts.

    Python would look through all modules once more when it ends, a third of the time of a command
    that is refused.
    """
    gc.freeze()
