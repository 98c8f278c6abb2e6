"""What adapts to test batches: by hand, and gone without a trace afterwards."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning import LightningModule
from quick import trainer
from torch import Tensor, nn

from seedbed.callback._test_time import Adaptation
from seedbed.callback.tent import Tent, entropy
from seedbed.callback.test_bn import TestBN
from seedbed.types import Batch, Spec

SPEC = Spec((2,), "class", 3, tuple("abc"))


class Task(LightningModule):
    """A batch norm and a head; keeps every prediction."""

    def __init__(self, *, norm: bool = True, spec: Spec = SPEC) -> None:
        super().__init__()
        torch.manual_seed(0)
        layers = [nn.BatchNorm1d(2)] if norm else []
        self.model = nn.Sequential(*layers, nn.Linear(2, 3))
        self.spec = spec
        self.seen: list[Tensor] = []
        for layer in layers:
            layer.running_mean = torch.tensor([1.0, -1.0])
            layer.running_var = torch.tensor([4.0, 0.25])
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.seen.append(self.model(batch.x))

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return self.model(batch.x)


class Loader:
    """These inputs, a batch each."""

    def __init__(self, batches: Sequence[Tensor]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return (Batch(x, torch.zeros(len(x), dtype=torch.int64)) for x in self.batches)


def inputs(*sizes: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, 2, generator=generator) * 3 + 2 for n in sizes]


def outputs(
    callback: Adaptation, *loaders: Sequence[Tensor], task: Task | None = None
) -> list[Tensor]:
    task = task or Task()
    own = [Loader(each) for each in loaders]
    runner: Any = trainer(callbacks=[callback])
    runner.test(task, own if len(own) > 1 else own[0], verbose=False)
    return task.seen


def by_batch(task: Task, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the logits of a batch under its own statistics, written out."""
    z = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
    head: Any = task.model[1]
    return (z * weight + bias) @ head.weight.T + head.bias


def stepped(task: Task, x: Tensor, weight: Tensor, bias: Tensor, lr: float) -> list[Tensor]:
    """Return scale and shift after a step on the mean entropy, written out."""
    weight, bias = weight.detach().requires_grad_(), bias.detach().requires_grad_()
    p = by_batch(task, x, weight, bias).softmax(1)
    loss = -(p * p.log()).sum(1).mean()
    gradients = torch.autograd.grad(loss, [weight, bias])
    return [(v - lr * g).detach() for v, g in zip((weight, bias), gradients, strict=True)]


@pytest.mark.parametrize("prior", [0.0, 16.0, 1e9])
def test_statistics_are_mixed_by_how_many_examples_they_stand_for(prior: float) -> None:
    task, (x,) = Task(), inputs(20)
    seen = outputs(TestBN(prior), [x], task=task)[0]
    share = 20 / (prior + 20)
    mean = (1 - share) * torch.tensor([1.0, -1.0]) + share * x.mean(0)
    var = (1 - share) * torch.tensor([4.0, 0.25]) + share * x.var(0, correction=0)
    norm: Any = task.model[0]
    head = task.model[1]
    expected = head(F.batch_norm(x, mean, var, norm.weight, norm.bias))
    torch.testing.assert_close(seen, expected)


def test_no_batch_changes_what_another_gets_under_its_own_statistics() -> None:
    a, b, c = inputs(20, 16, 30)
    one = outputs(TestBN(), [a, b, c])
    other = outputs(TestBN(), [c, a, b])
    assert all(map(torch.equal, one, [other[1], other[2], other[0]]))


def test_two_of_tent_s_steps_by_hand() -> None:
    task, (a, b) = Task(), inputs(20, 16)
    norm: Any = task.model[0]
    first = stepped(task, a, norm.weight, norm.bias, lr=0.5)
    seen = outputs(Tent(lr=0.5, optimizer="sgd"), [a, b], task=task)
    torch.testing.assert_close(seen[0], by_batch(task, a, *first))
    plain = stepped(task, b, first[0], first[1], lr=0.5)
    momentum = [  # .9 of the first step comes along
        new + 0.9 * (old - start)
        for new, old, start in zip(plain, first, (norm.weight, norm.bias), strict=True)
    ]
    torch.testing.assert_close(seen[1], by_batch(task, b, *momentum).detach())
    assert entropy(seen[0]) < entropy(by_batch(task, a, norm.weight, norm.bias))


def test_several_steps_a_batch_and_adam() -> None:
    task, (x,) = Task(), inputs(20)
    norm: Any = task.model[0]
    learned = [norm.weight.detach().clone(), norm.bias.detach().clone()]
    parameters = [nn.Parameter(each) for each in learned]
    adam = torch.optim.Adam(parameters, 0.1)
    for _ in range(3):
        loss = entropy(by_batch(task, x, *parameters))
        for parameter, gradient in zip(
            parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            parameter.grad = gradient
        adam.step()
    seen = outputs(Tent(lr=0.1, steps=3), [x], task=task)[0]
    torch.testing.assert_close(seen, by_batch(task, x, *parameters).detach())


def test_a_rate_of_nothing_is_test_bn() -> None:
    for one, other in zip(
        outputs(Tent(lr=0.0), inputs(20, 16)), outputs(TestBN(), inputs(20, 16)), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_entropy_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0], [1000.0, -1000.0]])
    assert entropy(logits).item() == pytest.approx(torch.tensor(2.0).log().item() / 2)


@pytest.mark.parametrize(
    "make", [TestBN, lambda: Tent(lr=0.5), lambda: Tent(lr=0.5, episodic=True)]
)
def test_afterwards_every_tensor_is_the_one_it_was(make: Any) -> None:
    task = Task()
    tensors = dict(task.model.named_parameters()) | dict(task.model.named_buffers())
    before = copy.deepcopy(task.state_dict())
    versions = {k: v._version for k, v in tensors.items()}
    outputs(make(), inputs(20, 16), inputs(18), task=task)
    after = dict(task.model.named_parameters()) | dict(task.model.named_buffers())
    assert {k: id(v) for k, v in after.items()} == {k: id(v) for k, v in tensors.items()}
    assert {k: v._version for k, v in after.items()} == versions  # nothing was written to
    assert all(torch.equal(v, before[k]) for k, v in task.state_dict().items())
    assert all(v.requires_grad and v.grad is None for v in task.model.parameters())
    assert not task.model[0]._forward_pre_hooks


def test_every_loader_starts_anew() -> None:
    first, second = inputs(20, 16), inputs(18, 25, seed=1)
    both = outputs(Tent(lr=0.5), first, second)
    alone = outputs(Tent(lr=0.5), second)
    assert all(map(torch.equal, both[2:], alone))
    repeated = outputs(Tent(lr=0.5), [*first, *second])
    assert not torch.equal(repeated[2], alone[0])  # what one loader has learned would show


def test_an_episode_is_a_batch_alone() -> None:
    batches = inputs(20, 16, 30)
    episodes = outputs(Tent(lr=0.5, episodic=True), batches)
    alone = [outputs(Tent(lr=0.5), [x])[0] for x in batches]
    assert all(map(torch.equal, episodes, alone))
    lasting = outputs(Tent(lr=0.5), batches)
    assert torch.equal(lasting[0], alone[0])
    assert not torch.equal(lasting[1], alone[1])


@pytest.mark.parametrize("make", [TestBN, lambda: Tent(lr=0.5)])
def test_a_lone_example_is_predicted_by_the_training_statistics(make: Any) -> None:
    task, (x,) = Task(), inputs(1)
    expected = copy.deepcopy(task.model).eval()(x).detach()
    seen = outputs(make(), [x], task=task)[0]
    torch.testing.assert_close(seen, expected)


def test_after_a_lone_example_tent_goes_on() -> None:
    a, lone, b = inputs(20, 1, 16)
    with_it = outputs(Tent(lr=0.5), [a, lone, b])
    without = outputs(Tent(lr=0.5), [a, b])
    assert torch.equal(with_it[2], without[1])


@pytest.mark.parametrize("make", [TestBN, lambda: Tent(lr=0.5)])
def test_predictions_are_adapted_like_tests(make: Any) -> None:
    batches, task = inputs(20, 16), Task()
    runner: Any = trainer(callbacks=[make()])
    predicted = runner.predict(task, Loader(batches))
    assert all(map(torch.equal, predicted, outputs(make(), batches)))


@pytest.mark.parametrize(("name", "make"), [("test_bn", TestBN), ("tent", Tent)])
def test_small_batches_are_named_once(
    name: str, make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs(make(), inputs(16, 20))
    assert capsys.readouterr().err == ""
    outputs(make(), inputs(15, 3), inputs(4))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"callback.{name}: a batch of 15 examples")


class Failing(Task):
    """Cannot be tested to the end."""

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        super().test_step(batch, batch_idx)
        if batch_idx == 1:
            raise RuntimeError("halfway")


@pytest.mark.parametrize("make", [TestBN, lambda: Tent(lr=0.5)])
def test_a_test_that_fails_leaves_the_model_as_it_was(make: Any) -> None:
    task = Failing()
    tensors = {k: id(v) for k, v in task.model.named_parameters()}
    buffers = {k: id(v) for k, v in task.model.named_buffers()}
    with pytest.raises(RuntimeError, match="halfway"):
        outputs(make(), inputs(20, 16, 20), task=task)
    assert {k: id(v) for k, v in task.model.named_parameters()} == tensors
    assert {k: id(v) for k, v in task.model.named_buffers()} == buffers
    assert not task.model[0]._forward_pre_hooks


@pytest.mark.parametrize("make", [TestBN, Tent])
def test_a_model_without_batch_norm_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"this model has none.*model\.norm=batch"):
        make().prepare(Task(norm=False))


def test_tent_needs_classes_and_scales() -> None:
    with pytest.raises(ValueError, match="the data has real numbers"):
        Tent().prepare(Task(spec=Spec((2,), "value", 3)))
    task = Task()
    task.model[0] = nn.BatchNorm1d(2, affine=False)
    with pytest.raises(ValueError, match="adapts batch norm"):
        Tent().prepare(task)
    TestBN().prepare(task)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TestBN(-1.0), "prior must"),
        (lambda: Tent(lr=-0.1), "lr must"),
        (lambda: Tent(optimizer="adagrad"), "optimizer must"),  # pyright: ignore[reportArgumentType]
        (lambda: Tent(steps=0), "steps must"),
    ],
)
def test_an_argument_outside_its_range_is_refused(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
