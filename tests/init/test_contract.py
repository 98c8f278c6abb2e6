"""What every initialisation promises."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import get_object
from option import build, names, node
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.types import Spec

SPEC = Spec((3, 8, 8), "class", 4, tuple("abcd"), (10, 20, 30, 40))
FILLERS = [
    name
    for name in names("init")
    if getattr(get_object(node("init", name)["_target_"]), "fills", 0)
]
OTHERS = {"class_prior", "pretrained"}


class Network(nn.Module):
    """A body of every kind of layer, and a head."""

    def __init__(self, *, normed: bool = False) -> None:
        super().__init__()
        put = weight_norm if normed else nn.Identity()
        self.body = nn.Sequential(
            put(nn.Conv2d(3, 8, 3)),
            nn.BatchNorm2d(8),
            nn.LayerNorm([6, 6]),
            nn.Flatten(),
            put(nn.Linear(288, 12)),
            put(nn.Linear(12, 12, bias=False)),
        )
        self.head = nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """What an option cannot do without."""
    torch.manual_seed(9)
    torch.save(Network().state_dict(), tmp_path / "weights.pt")
    return {"pretrained": {"path": str(tmp_path / "weights.pt")}}


def test_the_walk_found_them_all() -> None:
    assert {*FILLERS, *OTHERS} == set(names("init"))
    assert len(FILLERS) >= 7


@pytest.mark.parametrize("name", FILLERS)
def test_norm_layers_stay_and_biases_are_0(name: str) -> None:
    model = Network()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 7.0)
    build("init", name)(model, SPEC)
    for path, parameter in model.named_parameters():
        layer, _, kind = path.rpartition(".")
        if layer in ("body.1", "body.2"):
            assert (parameter == 7).all()
        elif kind == "bias":
            assert (parameter == 0).all()
        else:
            assert (parameter != 7).all()
            assert parameter.std() > 0


@pytest.mark.parametrize("name", FILLERS)
def test_the_seed_makes_the_weights(name: str) -> None:
    def drawn(seed: int) -> torch.Tensor:
        model = Network()
        torch.manual_seed(seed)
        build("init", name)(model, SPEC)
        return torch.cat([p.flatten() for p in model.parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("name", names("init"))
def test_parameters_stay_the_same_objects(name: str, arguments: dict[str, dict[str, Any]]) -> None:
    model = Network()
    before = list(model.parameters())
    build("init", name, **arguments.get(name, {}))(model, SPEC)
    for old, new in zip(before, model.parameters(), strict=True):
        assert old is new
        assert new.requires_grad
        assert new.grad_fn is None


@pytest.mark.parametrize("name", FILLERS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_precisions(name: str, dtype: torch.dtype) -> None:
    model = Network().to(dtype)
    build("init", name)(model, SPEC)
    for parameter in model.parameters():
        assert parameter.dtype is dtype
        assert parameter.isfinite().all()


@pytest.mark.parametrize("name", FILLERS)
def test_under_weight_norm_it_is_the_init_first_and_then_weight_norm(name: str) -> None:
    first, under = Network(), Network(normed=True)
    torch.manual_seed(4)
    build("init", name)(first, SPEC)
    torch.manual_seed(4)
    build("init", name)(under, SPEC)
    for plain, normed in zip(first.body, under.body, strict=True):
        if isinstance(plain, nn.Conv2d | nn.Linear):
            drawn = plain.weight.clone()
            after = weight_norm(plain)
            assert torch.equal(get(normed, "original1"), drawn)
            for part in ("original0", "original1"):
                assert torch.equal(get(after, part), get(normed, part))
            torch.testing.assert_close(normed.weight, drawn)
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(first(x), under(x))


def get(module: nn.Module, part: str) -> torch.Tensor:
    return module.get_parameter(f"parametrizations.weight.{part}")
