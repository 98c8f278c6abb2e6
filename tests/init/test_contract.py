"""What every initialisation promises."""

import pytest
import torch
from option import build, names
from torch import nn

from seedbed.types import Spec

SPEC = Spec((3, 8, 8), "class", 4, tuple("abcd"))


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.LayerNorm([6, 6]), nn.Flatten(), nn.Linear(288, 4)
    )


@pytest.mark.parametrize("name", names("init"))
def test_norm_layers_stay_and_biases_are_0(name: str) -> None:
    model = network()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 7.0)
    build("init", name)(model, SPEC)
    for index, layer in enumerate(model):
        for kind, parameter in layer.named_parameters():
            if index in (1, 2):
                assert (parameter == 7).all()
            elif kind == "bias":
                assert (parameter == 0).all()
            else:
                assert (parameter != 7).all()
                assert parameter.std() > 0


@pytest.mark.parametrize("name", names("init"))
def test_the_seed_makes_the_weights(name: str) -> None:
    def drawn(seed: int) -> torch.Tensor:
        model = network()
        torch.manual_seed(seed)
        build("init", name)(model, SPEC)
        return torch.cat([p.flatten() for p in model.parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("name", names("init"))
def test_parameters_stay_the_same_objects(name: str) -> None:
    model = network()
    before = list(model.parameters())
    build("init", name)(model, SPEC)
    for old, new in zip(before, model.parameters(), strict=True):
        assert old is new
        assert new.requires_grad
