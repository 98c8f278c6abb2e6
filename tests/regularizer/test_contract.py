"""What every regularizer promises."""

import pytest
import torch
from option import build, names
from torch import nn

from seedbed.types import Batch, Regularizer, Spec, Step

SPEC = Spec((5,), "class", 3, tuple("abc"))


def prepared(name: str, model: nn.Module) -> Regularizer:
    regularizer = build("regularizer", name)
    regularizer.prepare(model, SPEC)
    return regularizer


@pytest.mark.parametrize("name", names("regularizer"))
def test_it_does_something(name: str) -> None:
    verbs = ("on_batch", "penalty", "after_step")
    kind = type(build("regularizer", name))
    assert any(getattr(kind, verb) is not getattr(Regularizer, verb) for verb in verbs)


@pytest.mark.parametrize("name", names("regularizer"))
def test_a_batch_keeps_its_size_and_the_loss_a_gradient(name: str) -> None:
    model = nn.Linear(5, 3)
    regularizer = prepared(name, model)
    x, y = torch.randn(7, 5), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    batch = regularizer.on_batch(Batch(x.clone(), y.clone()))
    assert batch.x.shape == (7, 5)
    assert len(batch.y) == 7
    logits = model(batch.x)
    loss = nn.functional.cross_entropy(logits, batch.y)
    penalty = regularizer.penalty(Step(model, batch, logits, loss))
    if penalty is not None:
        assert penalty.shape == ()
        assert penalty >= 0
        loss = loss + penalty
    loss.backward()
    assert model.weight.grad is not None
    assert model.weight.grad.isfinite().all()


@pytest.mark.parametrize("name", names("regularizer"))
def test_targets_stay_distributions(name: str) -> None:
    batch = prepared(name, nn.Linear(5, 3)).on_batch(Batch(torch.randn(4, 5), torch.arange(4) % 3))
    if batch.y.is_floating_point():
        torch.testing.assert_close(batch.y.sum(1), torch.ones(4))
        assert (batch.y >= 0).all()
    else:
        assert batch.y.tolist() == [0, 1, 2, 0]
