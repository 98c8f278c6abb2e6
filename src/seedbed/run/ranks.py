"""One run, several processes: how the first rank tells the others where its checked config lies.

Lightning starts ranks itself (they inherit `SEEDBED_CONFIG`), torchrun and srun start all of them
at once with the same command line.  Either way only the first rank reads that line.
"""

import os
import time
from pathlib import Path
from typing import Any

CONFIG = "SEEDBED_CONFIG"  # environment: the config file of the run that this process is part of
WAIT = 300.0  # seconds for the first rank to read and check its command line


def config_file() -> Path | None:
    """Return the config that this process must start from, None if it is to read the command line.

    Raises:
        TimeoutError: the first rank did not say in time.
    """
    if known := os.environ.get(CONFIG):
        return Path(known)
    if int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0) == 0:
        return None
    if under_torchrun():
        return Path(_store().get(_key()).decode())
    note = slurm_note()
    return None if note is None else _wait_for(note)


def announce(config: Path) -> None:
    """Tell the other ranks of this run, present and future, where its config lies."""
    os.environ[CONFIG] = str(config)
    if under_torchrun():
        _store().set(_key(), str(config.resolve()))
    elif note := slurm_note():
        note.parent.mkdir(parents=True, exist_ok=True)
        part = note.with_suffix(".part")
        part.write_text(str(config.resolve()))
        part.replace(note)


def forget() -> None:
    """Let this process read a command line again."""
    os.environ.pop(CONFIG, None)
    if note := slurm_note():
        note.unlink(missing_ok=True)


def under_torchrun() -> bool:
    """Return whether torchrun started this process, with a store that all ranks reach."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def several() -> bool:
    """Return whether torchrun or srun has started this process with others."""
    return under_torchrun() or slurm_note() is not None


def slurm_note() -> Path | None:
    """Return the file by which the tasks of one SLURM step agree, None outside of several."""
    if int(os.environ.get("SLURM_NTASKS", "1")) < 2 or "SLURM_STEP_ID" not in os.environ:
        return None
    names = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT")
    return Path("logs/.slurm", "_".join(os.environ.get(name, "0") for name in names))


def _wait_for(note: Path) -> Path:
    end = time.monotonic() + WAIT
    while not note.is_file():
        if time.monotonic() > end:
            raise TimeoutError(f"the first rank did not write {note} within {WAIT:.0f} s")
        time.sleep(0.2)
    return Path(note.read_text())


def _key() -> str:
    return f"seedbed/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"


def _store() -> Any:
    from torch.distributed import TCPStore  # heavy

    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(host, port, is_master=False)


def is_launched() -> bool:
    """Return whether the first rank of this run is the parent of this process."""
    return CONFIG in os.environ and not under_torchrun() and slurm_note() is None
