"""What every optimizer promises."""

from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import torch
from descent import BEST, quadratic, walk
from option import build, names, node
from torch import Tensor, nn
from torch.optim import Optimizer

ALL = names("optimizer")

OPTIONS: dict[str, dict[str, float]] = {
    "adagrad": {"lr": 0.5},
    "muon": {"adamw_lr": 0.02},
}  # its rate falls; a vector


@pytest.mark.parametrize("name", ALL)
def test_it_comes_closer_to_a_minimum(name: str) -> None:
    options: dict[str, Any] = {"lr": 0.02} | OPTIONS.get(name, {})
    end = walk(name, quadratic, start=[4.0, 0.5], steps=600, **options)[-1]
    assert (torch.tensor(end) - BEST).norm() < 0.1


@pytest.mark.parametrize("name", ALL)
def test_every_group_has_its_own_rate(name: str) -> None:
    still, moving = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    groups = [{"params": [still], "lr": 0.0}, {"params": [moving]}]
    optimizer: Optimizer = build("optimizer", name, params=groups, lr=0.1)
    still.grad = moving.grad = torch.ones(3)
    optimizer.step()
    assert still.tolist() == [1, 1, 1]
    assert (moving < 1).all()


def net(dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """Return a small network with a kernel, matrices, vectors and a scale, always the same."""
    torch.manual_seed(3)
    layers = nn.Conv1d(1, 3, 2), nn.Flatten(), nn.Linear(9, 6), nn.LayerNorm(6), nn.Linear(6, 2)
    return nn.Sequential(*layers).to(dtype)


def groups_of(model: nn.Module) -> list[dict[str, Any]]:
    """Return two groups that differ in everything that groups can differ in."""
    first, *rest = model.parameters()
    kernel, others = [first, *rest[1:3]], [rest[0], *rest[3:]]
    return [
        {"name": "a", "params": kernel, "lr": 0.003, "weight_decay": 0.1},
        {"name": "b", "params": others, "lr": 0.02, "weight_decay": 0.0},
    ]


def loss_of(model: nn.Module, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    dtype = next(model.parameters()).dtype
    x = torch.randn(32, 1, 4, generator=generator).to(dtype)
    return nn.functional.cross_entropy(model(x), (x[:, 0, 0] > 0).long())


def train(model: nn.Module, optimizer: Optimizer, steps: range) -> None:
    for step in steps:
        optimizer.zero_grad()
        loss_of(model, step).backward()
        optimizer.step()


@pytest.mark.parametrize("name", ALL)
def test_it_descends_on_a_small_net(name: str) -> None:
    model = net()
    slow = {"lr": 0.1} if name in ("sgd", "adagrad") else {}
    options: dict[str, Any] = {"lr": 0.02} | OPTIONS.get(name, {}) | slow
    optimizer = build("optimizer", name, params=model.parameters(), **options)
    before = loss_of(model, 99).item()
    train(model, optimizer, range(60))
    assert loss_of(model, 99).item() < 0.6 * before


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", ALL)
def test_resumed_is_uninterrupted(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    whole, half = net(dtype), net(dtype)
    train(whole, build("optimizer", name, params=groups_of(whole)), range(8))
    optimizer = build("optimizer", name, params=groups_of(half))
    train(half, optimizer, range(3))
    torch.save(optimizer.state_dict(), tmp_path / "state")
    fresh = [{**g, "lr": 0.9, "weight_decay": 0.7} for g in groups_of(half)]  # the file decides
    optimizer = build("optimizer", name, params=fresh)
    optimizer.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    train(half, optimizer, range(3, 8))
    for one, other in zip(whole.parameters(), half.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", [n for n in ALL if n != "normalized"])  # its norm is of all
def test_groups_are_optimizers_of_their_own(name: str) -> None:
    """Two groups in one optimizer move as in two, and weight decay is that of the group."""
    together, apart = net(), net()
    train(together, build("optimizer", name, params=groups_of(together)), range(4))
    several = [build("optimizer", name, params=[group]) for group in groups_of(apart)]
    for step in range(4):
        apart.zero_grad()
        loss_of(apart, step).backward()
        for optimizer in several:
            optimizer.step()
    for left, right in zip(together.parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(left, right)


@pytest.mark.parametrize("name", ALL)
def test_a_parameter_without_gradient_stays(name: str) -> None:
    model = net()
    model[2].requires_grad_(False)
    before = model[2].get_parameter("weight").clone()
    params = [{"params": [*model.parameters()], "weight_decay": 0.5}]
    train(model, build("optimizer", name, params=params), range(2))
    assert torch.equal(model[2].get_parameter("weight"), before)
    build("optimizer", name, params=[nn.Parameter(torch.ones(2, 2))]).step()  # none has one


@pytest.mark.parametrize("name", ALL)
def test_a_layer_that_is_thawed_later_starts_as_if_it_were_new(name: str) -> None:
    late = nn.Parameter(torch.ones(3, 2))
    early, other, alone = (nn.Parameter(torch.ones(3, 2)) for _ in range(3))
    slope = torch.tensor([[0.3, -1.0], [0.2, 0.7], [-0.4, 0.1]])
    optimizer = build("optimizer", name, params=[early, late], lr=0.1)
    early.grad = slope
    optimizer.step()
    late.grad, early.grad = slope, torch.zeros_like(slope)
    optimizer.step()
    fresh = build("optimizer", name, params=[alone, other], lr=0.1)
    alone.grad, other.grad = slope, torch.zeros_like(slope)
    fresh.step()
    torch.testing.assert_close(late, alone)


@pytest.mark.parametrize("name", ALL)
def test_a_closure_is_run_with_gradients_and_its_loss_returned(name: str) -> None:
    model = net()
    optimizer = build("optimizer", name, params=model.parameters())

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    assert loss.item() == pytest.approx(loss_of(net()).item())
    assert not torch.equal(model[2].get_parameter("weight"), net()[2].get_parameter("weight"))


@pytest.mark.parametrize("name", ALL)
def test_parameters_may_be_added_later(name: str) -> None:
    model = net()
    first, *rest = model.parameters()
    optimizer = build("optimizer", name, params=[first], lr=0.01)
    optimizer.add_param_group({"params": rest})
    before = [p.detach().clone() for p in rest]
    train(model, optimizer, range(1))
    assert all(not torch.equal(a, b) for a, b in zip(before, rest, strict=True))


@pytest.mark.parametrize("name", ["normalized", "lion", "muon"])
def test_sparse_gradients_are_refused(name: str) -> None:
    table = nn.Embedding(5, 3, sparse=True)
    optimizer = build("optimizer", name, params=table.parameters())
    table(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(RuntimeError, match="dense"):
        optimizer.step()


@pytest.mark.parametrize(
    "wrong",
    [
        *({"lr": -1.0}, {"lr": nan}, {"lr": inf}, {"weight_decay": -0.1}, {"betas": (1.0, 0.9)}),
        *({"betas": (0.9, -0.1)}, {"momentum": 1.0}, {"steps": 0}, {"adamw_lr": -1.0}),
        *({"eps": -1e-8}, {"betas": (nan, 0.9)}),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["normalized", "lion", "muon"])
def test_arguments_outside_their_range_are_refused(name: str, wrong: dict[str, Any]) -> None:
    if wrong.keys() <= node("optimizer", name).keys():
        with pytest.raises(ValueError, match="must"):
            build("optimizer", name, params=[nn.Parameter(torch.ones(1))], **wrong)
