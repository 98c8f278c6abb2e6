"""What every regularizer promises."""

import copy

import pytest
import torch
from option import build, names
from torch import nn

from seedbed.randomness import seed_here
from seedbed.types import Batch, Regularizer, Spec, Step

DOMAINS = ("near", "far")
SPEC = Spec((1, 4, 5), "class", 3, tuple("abc"), domains=DOMAINS)
VALUES = Spec((1, 4, 5), "value", 2, domains=DOMAINS)
CLASSES_ALONE = ("label_smoothing", "vrex")
KEPT = ("adabn", "dann")  # what they learn is part of a training
CPU = torch.device("cpu")


class Small(nn.Module):
    """Images to three numbers, with a norm and a dropout layer."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(20, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1)
        )
        self.head = nn.Linear(8, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def prepared(name: str, model: nn.Module, spec: Spec = SPEC) -> Regularizer:
    regularizer = build("regularizer", name)
    regularizer.prepare(model, spec)
    return regularizer


def batch_of(dtype: torch.dtype = torch.float32) -> Batch:
    y, domain = torch.tensor([0, 1, 2, 0, 1, 2, 0]), torch.tensor([0, 0, 1, 1, 0, 1, 0])
    return Batch(torch.randn(7, 1, 4, 5).to(dtype), y, domain)


@pytest.mark.parametrize("name", names("regularizer"))
def test_it_does_something(name: str) -> None:
    verbs = ("prepare", "on_groups", "on_batch", "during", "penalty", "after_step")
    kind = type(build("regularizer", name))
    assert any(getattr(kind, verb) is not getattr(Regularizer, verb) for verb in verbs)


@pytest.mark.parametrize("name", names("regularizer"))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_a_batch_keeps_its_size_and_the_loss_a_gradient(name: str, dtype: torch.dtype) -> None:
    model = Small().to(dtype)
    regularizer = prepared(name, model).to(dtype)
    batch = batch_of(dtype)
    x, y = batch.x.clone(), batch.y.clone()
    changed = regularizer.on_batch(batch)
    assert torch.equal(batch.x, x)  # the data itself stays as it is
    assert torch.equal(batch.y, y)
    assert (changed.x.shape, changed.x.dtype) == (x.shape, dtype)
    assert len(changed.y) == 7
    with regularizer.during(changed):
        features = model.body(changed.x)
    logits = model.head(features)
    loss = nn.functional.cross_entropy(logits, changed.y)
    penalty = regularizer.penalty(Step(model, changed, logits, loss, features=features))
    if penalty is not None:
        assert penalty.shape == ()
        assert penalty >= 0
        assert penalty.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        loss = loss + penalty
    loss.backward()
    regularizer.after_step(model, 0.1)
    for parameter in model.parameters():
        assert parameter.dtype == dtype
        assert parameter.isfinite().all()
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


@pytest.mark.parametrize("name", names("regularizer"))
def test_targets_stay_distributions(name: str) -> None:
    batch = prepared(name, Small()).on_batch(batch_of())
    if batch.y.is_floating_point():
        assert batch.y.shape == (7, 3)
        torch.testing.assert_close(batch.y.sum(1), torch.ones(7))
        assert (batch.y >= 0).all()
    else:
        assert batch.y.tolist() == [0, 1, 2, 0, 1, 2, 0]
    again = prepared(name, Small()).on_batch(batch)  # after another has made them probabilities
    assert again.y.shape[0] == 7
    if again.y.is_floating_point():
        torch.testing.assert_close(again.y.sum(1), torch.ones(7))


@pytest.mark.parametrize("name", names("regularizer"))
def test_values_as_targets_work_or_are_refused(name: str) -> None:
    batch = batch_of()._replace(y=torch.randn(7, 2))
    if name in CLASSES_ALONE:
        with pytest.raises(ValueError, match=r"targets that are classes|the data has real numbers"):
            prepared(name, Small(2), VALUES)
        return
    changed = prepared(name, Small(2), VALUES).on_batch(batch)
    assert changed.y.shape == (7, 2)
    assert changed.y.dtype == torch.float32


@pytest.mark.parametrize("name", names("regularizer"))
def test_its_randomness_depends_on_the_place_alone(name: str) -> None:
    regularizer, batch = prepared(name, Small()), batch_of()

    def drawn(*place: int) -> Batch:
        seed_here(CPU, *place)
        return regularizer.on_batch(batch)

    first = drawn(3, 1)
    torch.rand(11)
    again, other = drawn(3, 1), drawn(3, 2)
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.y, again.y)
    if not torch.equal(first.x, batch.x):
        assert not torch.equal(first.x, other.x)


@pytest.mark.parametrize("name", names("regularizer"))
def test_only_what_it_learns_goes_into_a_checkpoint(name: str) -> None:
    assert bool(prepared(name, Small()).state_dict()) == (name in KEPT)


@pytest.mark.parametrize("name", names("regularizer"))
def test_frozen_weights_stay_bit_for_bit(name: str) -> None:
    model = Small()
    model.body.requires_grad_(False)
    frozen = copy.deepcopy(model.body.state_dict())
    regularizer = prepared(name, model)
    for _ in range(3):
        regularizer.after_step(model, 10.0)
    assert all(torch.equal(v, frozen[k]) for k, v in model.body.state_dict().items())
