"""What is said of a machine that is slow at what it is asked for, and how its memory is kept."""

import os
import platform
import subprocess
import sys

import pytest
import torch
from lightning import Trainer

from seedbed.run.machine import slow_halves


@pytest.mark.parametrize("has", ["avx512_bf16", "amx_bf16", "bf16"])
@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "32-true"])
def test_halves_that_a_cpu_imitates_are_spoken_of(
    precision: str, has: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(accelerator="cpu", precision=precision, logger=False)  # pyright: ignore[reportArgumentType]
    known = {"architecture": "x", "avx2": True, "cores": 2}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known | {has: True})
    assert slow_halves(trainer) is None
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known | {has: False})
    said = slow_halves(trainer)
    if precision == "32-true":
        assert said is None
    else:
        assert (
            said
            == f"trainer.precision={precision}: this CPU has to imitate it; 32-true is faster here"
        )


def faults(*, kept: bool, **env: str) -> int:
    """Return how many pages a process asks for that takes 64 MB and gives them back, 20 times."""
    code = (
        "import resource, torch\n"
        "from seedbed.run.machine import keep_pages\n"
        f"assert not {kept} or keep_pages() is {not env}\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(20): torch.ones(2**24)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    words = [sys.executable, "-c", code]
    known = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    return int(subprocess.check_output(words, env=known | env, text=True))


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_pages_are_asked_for_once() -> None:
    asked = faults(kept=False)
    assert faults(kept=True) < asked / 5
    assert faults(kept=True, MALLOC_ARENA_MAX="2") > asked / 2  # whoever has set it by hand
