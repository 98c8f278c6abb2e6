"""What only torch knows of the machine, written down as soon as the processes are there."""

import ctypes
import os
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from seedbed.run import ranks
from seedbed.run.folder import read_json, write_json

DRIVER = Path("/proc/driver/nvidia/version")
TRIM, LARGE = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h


class Machine(Callback):
    """Adds threads, devices and how exactly they compute to the `environment.json` of a command.

    Only then are they known: Lightning sets the threads of several processes when it starts them.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write, once a command."""
        if not trainer.is_global_zero:
            return  # and ask nothing: only the first knows without waiting
        config = ranks.config_file()
        known = read_json(config.with_name("environment.json")) if config else {}
        if config and "torch" not in known:
            write_json(config.with_name("environment.json"), known | {"torch": facts(trainer)})


def facts(trainer: Trainer) -> dict[str, Any]:
    """Return what the numbers of a training may depend on."""
    known: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": trainer.strategy.root_device.type,
        "processes": trainer.world_size,
        "precision": str(trainer.precision),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
    }
    if trainer.strategy.root_device.type == "cuda":
        known |= {
            "gpu": torch.cuda.get_device_name(),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "driver": DRIVER.read_text().splitlines()[0] if DRIVER.is_file() else None,
        }
    return known


def keep_pages() -> bool:
    """Have the allocator keep what a step gives back, and return whether it does.

    As it comes, glibc's returns large blocks to the system, which hands out and clears new pages
    for every step: a small CNN took 3.1 s in place of 2.2 for 4,096 images in batches of 256.  The
    resident set grew by 2 to 6 %.  It lasts as long as the process.  Whoever has set the allocator
    by hand is left alone.

    Source: the GNU C Library's manual, "Malloc Tunable Parameters".
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, another system
        return False
    large = mallopt(LARGE, 1 << 30) or mallopt(LARGE, 1 << 25)  # older ones take no more
    return bool(large and mallopt(TRIM, (1 << 31) - 1))


def slow_halves(trainer: Trainer) -> str | None:
    """Return what to say where bfloat16 takes longer than what it stands in for.

    A CPU that has to imitate it took 2.5 times (AVX-512) and 12 times (AVX2) as long for a
    convolution as in single precision, one that has it .55 times.
    """
    precision, device = str(trainer.precision), trainer.strategy.root_device
    if device.type != "cpu" or not precision.startswith("bf16"):
        return None
    if any(has for name, has in torch.cpu.get_capabilities().items() if "bf16" in name):
        return None
    return f"trainer.precision={precision}: this CPU has to imitate it; 32-true is faster here"
