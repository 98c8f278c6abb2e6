"""What is said of a machine that is slow at what it is asked for."""

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
