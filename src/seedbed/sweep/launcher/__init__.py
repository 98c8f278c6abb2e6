"""Who starts the jobs of a sweep: `hydra/launcher=<name>`, one module each.

A launcher is a dataclass: its fields are what `hydra.launcher.<field>=` can say.  The published
plug-ins of Hydra run a job inside a worker, so that joblib's ends the sweep when one is killed, and
submitit's when one fails; and they number all jobs anew.  These take what each is to do as a
command line and give back only its exit code.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, get_type_hints

from seedbed.command import parse
from seedbed.nearest import nearest
from seedbed.run.folder import Refused
from seedbed.signature import fits, shown, words
from seedbed.sweep.jobs import Job, Supply

HERE = Path(__file__).parent
NAMES = sorted(file.stem for file in HERE.glob("*.py") if not file.stem.startswith("_"))
GROUP, SETTING = "hydra/launcher", re.compile(r"hydra\.launcher\.(\w+)$")


class Launcher(Protocol):
    """Starts jobs and waits for them."""

    logged: bool  # whether jobs print into files of their own

    def launch(
        self, jobs: Supply, begun: Callable[[Job], None], ended: Callable[[Job, int], None]
    ) -> None:
        """Run every job; when a signal interrupts it, pass that on and wait for those that run."""
        ...

    def end(self, number: int) -> None:
        """Send the jobs that run a second signal; called from another thread."""
        ...


def chosen(said: Sequence[str]) -> Launcher:
    """Return the launcher that a command line asks for.

    Args:
        said: its words about launching.

    Raises:
        Refused: there is none of that name, its library is missing, or a setting is wrong.
    """
    read = [(o.key_or_group, o) for o in map(parse, said)]
    if several := [o.input_line for _, o in read if o.is_sweep_override()]:
        raise Refused(f"{several[0]}: a sweep has one launcher, with one value a setting")
    values = {key: o.value() for key, o in read}
    name = str(values.pop(GROUP, "basic"))
    if name not in NAMES:
        raise Refused(f"{GROUP}={name}: no such launcher; {nearest(name, NAMES)}")
    module = import_module(f"{__name__}.{name}")
    settings = {key.rpartition(".")[2]: value for key, value in values.items()}
    if problems := misfits(name, module.Launcher, settings):
        raise Refused("\n".join(problems))
    refuse_missing(name, getattr(module, "NEEDS", ""))
    try:
        return module.Launcher(**settings)
    except ValueError as error:
        raise Refused(f"hydra.launcher.{error}") from error


def refuse_missing(name: str, library: str) -> None:
    """Look whether the library of a launcher is there, without importing it.

    Raises:
        Refused: it is not.
    """
    if library and find_spec(library) is None:
        raise Refused(f"{GROUP}={name} needs {library}: pip install 'seedbed[{library}]'")


def misfits(
    name: str, kind: Any, settings: Mapping[str, Any], prefix: str = "hydra.launcher"
) -> list[str]:
    """Return what is wrong with the settings of a launcher, or of a search, a line each."""
    known, hints = {f.name for f in fields(kind) if f.init}, get_type_hints(kind)
    found = []
    for key, value in settings.items():
        line = f"{prefix}.{key}={shown(value)}"
        if key not in known:
            advice = nearest(key, known) if known else "it has no settings"
            found.append(f"{line}: {name} has no setting {key!r}; {advice}")
        elif not fits(value, hints[key]):
            found.append(f"{line}: {words(hints[key])} is expected")
    return found
