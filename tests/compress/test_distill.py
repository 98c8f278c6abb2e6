"""Distillation: its loss by hand, who sees what, and a class that only the teacher has seen."""

import math
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from seedbed.compress._workbench import StepLoss, Workbench
from seedbed.compress.distill import Distill, Distillation, softened
from seedbed.model.mlp import MLP
from seedbed.types import Batch, Spec, Step

THREE = Spec((4,), "class", 3, ("a", "b", "c"))
VALUE = Spec((4,), "value", 2)


def bench(spec: Spec, split: Batch, teacher: nn.Module, lr: float = 0.05) -> Workbench:
    def own(outputs: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(outputs, y) if spec.kind == "class" else F.mse_loss(outputs, y)

    def tune(model: nn.Module, loss: StepLoss | None, epochs: int, rate: float = 1.0) -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr * rate, 0.9)
        model.train()
        for epoch in range(epochs):
            order = torch.randperm(len(split.x), generator=torch.Generator().manual_seed(epoch))
            for index in order.split(32):
                batch = Batch(split.x[index], split.y[index])
                logits = model(batch.x)
                step = Step(model, batch, logits, own(logits, batch.y))
                optimizer.zero_grad()
                (loss(step) if loss else step.loss).backward()
                optimizer.step()
        model.eval()

    return Workbench(spec, split, own, tune, teacher, lambda line: None)


def test_the_divergence_by_hand() -> None:
    own, taught = [0.0, 2.0, -4.0], [6.0, 0.0, 2.0]
    t = 2.0

    def shares(z: list[float]) -> list[float]:
        weights = [math.exp(each / t) for each in z]
        return [w / sum(weights) for w in weights]

    p, q = shares(taught), shares(own)
    expected = t * t * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    found = softened(torch.tensor([own, own]), torch.tensor([taught, taught]), t, THREE)
    assert found.item() == pytest.approx(expected, rel=1e-6)  # a mean over the two, not a sum
    backwards = t * t * sum(b * math.log(b / a) for a, b in zip(p, q, strict=True))
    assert expected != pytest.approx(backwards, rel=0.05)


def test_at_a_high_temperature_the_gradient_is_that_of_matching_logits() -> None:
    """Section 2.1 of the paper: (z - v)/C for logits of mean 0; T² has cancelled."""
    own = torch.tensor([[1.0, -2.0, 1.0]], dtype=torch.float64, requires_grad=True)
    taught = torch.tensor([[3.0, 0.0, -3.0]], dtype=torch.float64)
    [gradient] = torch.autograd.grad(softened(own, taught, 1e4, THREE), own)
    torch.testing.assert_close(gradient, (own - taught).detach() / 3, atol=1e-3, rtol=0)


def test_a_single_logit_stands_for_two_classes() -> None:
    two = Spec((4,), "class", 1, ("no", "yes"))
    p, q = torch.sigmoid(torch.tensor(1.5)), torch.sigmoid(torch.tensor(-0.5))
    expected = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    found = softened(torch.tensor([[-0.5]]), torch.tensor([[1.5]]), 1.0, two)
    torch.testing.assert_close(found, expected)


class Watched(nn.Module):
    """Remembers what it was shown, and would answer otherwise in training."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layer, self.dropout = nn.Linear(4, outputs), nn.Dropout(0.9)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x)
        return self.dropout(self.layer(x))


@pytest.mark.parametrize("alpha", [0.25, 1.0])
def test_the_loss_weighs_teacher_and_labels_over_the_very_same_batch(alpha: float) -> None:
    teacher = Watched(3).eval()
    x, y = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    logits = torch.randn(5, 3, requires_grad=True)
    step = Step(teacher, Batch(x, y), logits, F.cross_entropy(logits, y))
    asked = Distill(alpha=alpha, temperature=3.0)
    found = Distillation(teacher, asked, bench(THREE, Batch(x, y), teacher)).loss(step)
    assert teacher.seen[0] is x  # augmented as the student's
    taught = teacher.layer(x)
    kl = softened(logits, taught, 3.0, THREE)
    torch.testing.assert_close(found, (1 - alpha) * F.cross_entropy(logits, y) + alpha * kl)
    found.backward()
    assert logits.grad is not None
    assert teacher.layer.weight.grad is None


def test_values_are_learned_by_the_runs_own_loss() -> None:
    teacher = nn.Linear(4, 2)
    x, y = torch.randn(5, 4), torch.randn(5, 2)
    outputs = torch.randn(5, 2)
    step = Step(teacher, Batch(x, y), outputs, F.mse_loss(outputs, y))
    found = Distillation(teacher, Distill(alpha=0.6), bench(VALUE, Batch(x, y), teacher)).loss(step)
    with torch.no_grad():
        expected = 0.4 * F.mse_loss(outputs, y) + 0.6 * F.mse_loss(outputs, teacher(x))
    torch.testing.assert_close(found, expected)


def test_a_teacher_is_in_eval_mode_and_learns_nothing() -> None:
    teacher, student = Watched(3), nn.Linear(4, 3)
    split = Batch(torch.randn(40, 4), torch.randint(3, (40,)))
    before = teacher.layer.weight.detach().clone()
    first = student.weight.detach().clone()
    made = Distill(epochs=2)(student, bench(THREE, split, teacher.train()))
    assert made is student
    assert not teacher.training
    torch.testing.assert_close(teacher.layer.weight, before, atol=0, rtol=0)
    assert not torch.equal(student.weight, first)
    assert not made.training


def test_the_student_is_built_by_its_option_and_settings() -> None:
    asked: list[tuple[str, object]] = []

    def build(option: str, settings: object) -> nn.Module:
        asked.append((option, settings))
        return nn.Linear(4, 3)

    split = Batch(torch.randn(40, 4), torch.randint(3, (40,)))
    net = nn.Linear(4, 3)
    step = Distill(student="mlp", settings={"widths": [2]}, epochs=1, build=build)
    made = step(net, bench(THREE, split, Watched(3)))
    assert asked == [("mlp", {"widths": [2]})]
    assert made is not net


class Finished:
    def __init__(self, spec: Spec) -> None:
        self.model, self.spec = nn.Linear(4, spec.outputs), spec


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (Spec((4,), "class", 2, ("a", "b")), "teacher=old knows the classes a, b, the data has a"),
        (Spec((4,), "class", 3, ("a", "c", "b")), "teacher=old knows the classes a, c, b"),
        (Spec((5,), "class", 3, ("a", "b", "c")), r"teacher=old takes inputs of shape \(5,\)"),
        (VALUE, "teacher=old predicts a value"),
    ],
)
def test_a_teacher_that_has_learned_something_else_is_refused(spec: Spec, why: str) -> None:
    step = Distill(teacher="old", load=lambda _: cast("Finished", Finished(spec)))
    split = Batch(torch.randn(8, 4), torch.randint(3, (8,)))
    with pytest.raises(ValueError, match=why):
        step(nn.Linear(4, 3), bench(THREE, split, Watched(3)))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"temperature": 0.0}, "temperature must be positive, got 0"),
        ({"temperature": math.inf}, "temperature must be positive, got inf"),
        ({"alpha": 0.0}, r"alpha must lie in \(0, 1\], got 0"),
        ({"alpha": 1.1}, r"alpha must lie in \(0, 1\], got 1.1"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"rate": -1.0}, "rate must be positive, got -1"),
        ({"settings": {"widths": [1]}}, "name its model with student=<option>"),
    ],
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Distill(**wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_a_class_that_the_student_has_never_seen() -> None:
    """The missing digit of section 3 of the paper: without a teacher none of it is recognised."""
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images).float() / 16, torch.tensor(labels)
    train, test = Batch(x[:1200], y[:1200]), Batch(x[1200:], y[1200:])
    spec = Spec((64,), "class", 10, tuple("0123456789"))
    torch.manual_seed(0)
    teacher = MLP((64,), 10, [128])
    bench(spec, train, teacher).tune(teacher, None, 20)
    seen = train.y != 3
    less = Batch(train.x[seen], train.y[seen])
    recalls = []
    for alpha in (None, 1.0):
        torch.manual_seed(1)
        student, place = MLP((64,), 10, [32]), bench(spec, less, teacher)
        if alpha is None:
            place.tune(student, None, 20)
        else:
            Distill(temperature=4.0, alpha=alpha, epochs=20)(student, place)
        answers = student(test.x).argmax(1)
        recalls.append((answers[test.y == 3] == 3).double().mean().item())
    assert recalls[0] == 0
    assert recalls[1] > 0.3
