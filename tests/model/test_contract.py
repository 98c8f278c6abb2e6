"""What every model promises."""

import inspect
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hydra.utils import get_object
from option import build, names, node
from torch import nn

ACTIVATIONS = ("relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid")


def model_of(name: str, shape: tuple[int, ...] = (1, 8, 8), outputs: int = 5, **more: Any) -> Any:
    torch.manual_seed(1)
    return build("model", name, shape=shape, outputs=outputs, **more)


def with_activation() -> list[tuple[str, dict[str, Any]]]:
    cases: list[tuple[str, dict[str, Any]]] = []
    for name in names("model"):
        asked = inspect.signature(get_object(node("model", name)["_target_"])).parameters
        choices = ACTIVATIONS if "activation" in asked else ()
        cases += [(name, {"activation": choice}) for choice in choices] or [(name, {})]
    return cases


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 14)])
@pytest.mark.parametrize("name", names("model"))
def test_output_shape(name: str, shape: tuple[int, ...]) -> None:
    model = model_of(name, shape, 7)
    assert model(torch.randn(4, *shape)).shape == (4, 7)
    assert model(torch.randn(1, *shape)).shape == (1, 7)


@pytest.mark.parametrize(("name", "more"), with_activation())
def test_a_gradient_reaches_every_parameter(name: str, more: dict[str, Any]) -> None:
    model = model_of(name, **more)
    F.cross_entropy(model(torch.randn(16, 1, 8, 8)), torch.arange(16) % 5).backward()
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
        assert parameter.grad.abs().max() > 0, path


@pytest.mark.parametrize("name", names("model"))
def test_16_samples_can_be_memorised(name: str) -> None:
    model = model_of(name)
    x, y = torch.randn(16, 1, 8, 8), torch.randint(5, (16,))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    before = F.cross_entropy(model(x), y).item()
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert (model(x).argmax(1) == y).all()
    assert F.cross_entropy(model(x), y).item() < 0.05 < before


@pytest.mark.parametrize("name", names("model"))
def test_an_example_is_mapped_alone_at_evaluation(name: str) -> None:
    model = model_of(name).eval()
    x = torch.randn(6, 1, 8, 8)
    alone = torch.cat([model(x[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(alone, model(x))


@pytest.mark.parametrize("name", names("model"))
def test_it_has_a_body_and_a_linear_head(name: str) -> None:
    model = model_of(name, outputs=9)
    assert isinstance(model.head, nn.Linear)
    assert model.head.out_features == 9
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(model.eval()(x), model.head(model.body(x)))
