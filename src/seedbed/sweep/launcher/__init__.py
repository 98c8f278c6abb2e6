"""Who starts the jobs of a sweep: `hydra/launcher=<name>`, one module each.

A launcher is a dataclass: its fields are what `hydra.launcher.<field>=` can say.  The published
plug-ins of Hydra run a job inside a worker, so that joblib's ends the sweep when one is killed, and
submitit's when one fails; and they number all jobs anew.  These take what each is to do as a
command line and give back only its exit code.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from seedbed.run.folder import Refused
from seedbed.sweep.jobs import Job, Supply
from seedbed.sweep.words import refuse_misfits, told

HERE = Path(__file__).parent
NAMES = sorted(file.stem for file in HERE.glob("*.py") if not file.stem.startswith("_"))
GROUP = "hydra/launcher"


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
    name, settings = told(said, GROUP, "basic", NAMES)
    module = import_module(f"{__name__}.{name}")
    refuse_misfits(name, module.Launcher, settings, "hydra.launcher")
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
