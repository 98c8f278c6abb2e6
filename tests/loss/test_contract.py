"""What every loss promises."""

import pytest
import torch
from option import build, names
from torch import Tensor

from seedbed.rules.part import LOSS_FITS, misfit
from seedbed.types import Kind, Spec


def example(name: str) -> tuple[torch.nn.Module, Tensor, Tensor]:
    """Return a prepared loss with 6 outputs of a model and 6 targets."""
    loss = build("loss", name)
    kind: Kind = "value" if LOSS_FITS.get(type(loss).__name__) == "value" else "class"
    spec = Spec((2,), kind, 2, ("a", "b"), (3, 3)) if kind == "class" else Spec((2,), kind, 2)
    if hasattr(loss, "prepare"):
        loss.prepare(spec)
    outputs = torch.randn(6, getattr(loss, "outputs", 2), dtype=torch.float64)
    return loss, outputs, torch.arange(6) % 2 if kind == "class" else torch.randn(6, 2).double()


@pytest.mark.parametrize("name", names("loss"))
def test_it_is_a_mean_over_the_batch(name: str) -> None:
    loss, outputs, y = example(name)
    whole = loss(outputs, y)
    assert whole.shape == ()
    torch.testing.assert_close(loss(outputs.repeat(3, 1), torch.cat([y] * 3)), whole)
    parts = [loss(outputs[i : i + 1], y[i : i + 1]) for i in range(6)]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)


@pytest.mark.parametrize("name", names("loss"))
def test_descending_it_fits_the_targets(name: str) -> None:
    loss, outputs, y = example(name)
    outputs.requires_grad_()
    before = loss(outputs, y).item()
    assert before > 0
    for _ in range(300):
        (gradient,) = torch.autograd.grad(loss(outputs, y), outputs)
        outputs = (outputs - gradient).detach().requires_grad_()
    assert loss(outputs, y).item() < 0.2 * before


@pytest.mark.parametrize("name", names("loss"))
def test_it_has_no_state_and_survives_half_precision(name: str) -> None:
    loss, outputs, y = example(name)
    assert not loss.state_dict()
    y = y.bfloat16() if y.is_floating_point() else y
    outputs = outputs.bfloat16().requires_grad_()
    loss.bfloat16()(outputs, y).backward()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize("name", names("loss"))
def test_the_gate_knows_what_it_fits(name: str) -> None:
    kind = type(build("loss", name)).__name__
    assert kind in LOSS_FITS or name == "auto"
    other = "value" if LOSS_FITS.get(kind) == "class" else "class"
    assert (misfit(f"somewhere.{kind}", other) is None) == (name == "auto")
