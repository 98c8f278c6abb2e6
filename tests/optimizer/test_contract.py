"""What every optimizer promises."""

import pytest
import torch
from descent import BEST, quadratic, walk
from option import build, names
from torch import nn
from torch.optim import Optimizer

OPTIONS = {"adagrad": {"lr": 0.5}, "muon": {"adamw_lr": 0.02}}  # its rate falls; a vector


@pytest.mark.parametrize("name", names("optimizer"))
def test_it_comes_closer_to_a_minimum(name: str) -> None:
    options = {"lr": 0.02} | OPTIONS.get(name, {})
    end = walk(name, quadratic, start=[4.0, 0.5], steps=600, **options)[-1]
    assert (torch.tensor(end) - BEST).norm() < 0.1


@pytest.mark.parametrize("name", names("optimizer"))
def test_every_group_has_its_own_rate(name: str) -> None:
    still, moving = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    groups = [{"params": [still], "lr": 0.0}, {"params": [moving]}]
    optimizer: Optimizer = build("optimizer", name, params=groups, lr=0.1)
    still.grad = moving.grad = torch.ones(3)
    optimizer.step()
    assert still.tolist() == [1, 1, 1]
    assert (moving < 1).all()


@pytest.mark.parametrize("name", names("optimizer"))
def test_resumed_is_uninterrupted(name: str) -> None:
    def run(interrupted: bool) -> list[float]:
        w = nn.Parameter(torch.tensor([4.0, 0.5], dtype=torch.float64))
        optimizer: Optimizer = build("optimizer", name, params=[w], lr=0.05)
        for step in range(6):
            if interrupted and step == 3:
                saved = optimizer.state_dict()
                optimizer = build("optimizer", name, params=[w], lr=0.9)
                optimizer.load_state_dict(saved)
            w.grad = quadratic(w.detach())
            optimizer.step()
        return w.tolist()

    assert run(interrupted=True) == run(interrupted=False)


@pytest.mark.parametrize("name", names("optimizer"))
def test_a_parameter_without_gradient_stays(name: str) -> None:
    w = nn.Parameter(torch.tensor(7.0))
    build("optimizer", name, params=[w], lr=0.1).step()
    assert w.item() == 7
