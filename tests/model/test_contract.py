"""What every model promises."""

import copy
import inspect
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hydra.utils import get_object
from option import build, names, node
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

POSITIONS = ("before", "after")
WHOLE = ("ensemble", "exported")  # trained already
TRAINED = [name for name in names("model") if name not in WHOLE]
NORMS = [
    {"norm": "none"},
    *({"norm": n, "norm_position": p} for n in ("batch", "layer", "group") for p in POSITIONS),
    {"norm": "weight"},
]
SMALL: dict[str, dict[str, Any]] = {  # sizes that keep the grid fast
    "mlp": {"widths": [32]},
    "cnn": {"channels": [8], "hidden": 32},
    "resnet": {"channels": [8, 16], "blocks": 1},
    "inception": {"stem": 8, "widths": [64]},
}
NORM_LAYERS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)
ACTIVATIONS = ("relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid")


def model_of(name: str, shape: tuple[int, ...] = (1, 8, 8), outputs: int = 5, **more: Any) -> Any:
    torch.manual_seed(1)
    return build("model", name, shape=shape, outputs=outputs, **more)


def grid() -> list[tuple[str, dict[str, Any]]]:
    """Every model with every norm, at every place, and every activation."""
    cases: list[tuple[str, dict[str, Any]]] = []
    for name in TRAINED:
        asked = inspect.signature(get_object(node("model", name)["_target_"])).parameters
        choices = product(NORMS, ACTIVATIONS) if "norm" in asked else ()
        found = [(name, {**SMALL[name], **norm, "activation": a}) for norm, a in choices]
        cases += found or [(name, {})]
    cases += [("cnn", {**SMALL["cnn"], "pool_position": "before", **norm}) for norm in NORMS]
    return cases


def spelled(value: Any) -> str:
    words = value.values() if isinstance(value, dict) else [value]
    return "-".join(word for word in words if isinstance(word, str))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 14)])
@pytest.mark.parametrize("name", TRAINED)
def test_output_shape(name: str, shape: tuple[int, ...]) -> None:
    model = model_of(name, shape, 7)
    assert model(torch.randn(4, *shape)).shape == (4, 7)
    assert model(torch.randn(1, *shape)).shape == (1, 7)


@pytest.mark.parametrize(("name", "more"), grid(), ids=spelled)
def test_a_gradient_reaches_every_parameter(name: str, more: dict[str, Any]) -> None:
    model = model_of(name, **more)
    F.cross_entropy(model(torch.randn(16, 1, 8, 8)), torch.arange(16) % 5).backward()
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
        assert parameter.grad.abs().max() > 0, path


def without_dropout(name: str) -> dict[str, Any]:
    return {} if name == "linear" else {"dropout": 0.0}


def memorise(model: nn.Module, steps: int) -> None:
    """Train until 16 samples are known; fail if they are not after so many steps."""
    x, y = torch.randn(16, 1, 8, 8), torch.arange(16) % 5
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    assert F.cross_entropy(model(x), y).item() > 1
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if F.cross_entropy(model(x), y).item() < 0.05:
            break
    assert F.cross_entropy(model(x), y).item() < 0.05
    assert (model(x).argmax(1) == y).all()


@pytest.mark.parametrize("name", TRAINED)
def test_16_samples_can_be_memorised(name: str) -> None:
    memorise(model_of(name, **without_dropout(name)), 60)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "more"), grid(), ids=spelled)
def test_16_samples_can_be_memorised_whatever_surrounds_the_layers(
    name: str, more: dict[str, Any]
) -> None:
    memorise(model_of(name, **more, **without_dropout(name)), 400)


@pytest.mark.parametrize("name", TRAINED)
def test_an_example_is_mapped_alone_at_evaluation(name: str) -> None:
    model = model_of(name).eval()
    x = torch.randn(6, 1, 8, 8)
    alone = torch.cat([model(x[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(alone, model(x))


@pytest.mark.parametrize("name", TRAINED)
def test_it_has_a_body_and_a_linear_head(name: str) -> None:
    model = model_of(name, outputs=9)
    assert isinstance(model.head, nn.Linear)
    assert model.head.out_features == 9
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(model.eval()(x), model.head(model.body(x)))


@pytest.mark.parametrize(("name", "more"), [c for c in grid() if c[1].get("activation") == "gelu"])
def test_state_and_copies_carry_the_norms_along(name: str, more: dict[str, Any]) -> None:
    model = model_of(name, **more)
    x = torch.randn(8, 1, 8, 8)
    for _ in range(3):
        model(x)  # moves running statistics
    expected = model.eval()(x)
    assert torch.equal(copy.deepcopy(model)(x), expected)
    torch.manual_seed(2)
    other = build("model", name, shape=(1, 8, 8), outputs=5, **more).eval()
    assert not torch.equal(other(x), expected)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x), expected)


@pytest.mark.parametrize("name", [n for n in TRAINED if n != "linear"])
def test_dropout_stands_where_a_regularizer_finds_it_even_at_0(name: str) -> None:
    layers = [m for m in model_of(name, dropout=0.0).modules() if isinstance(m, nn.Dropout)]
    assert layers
    x = torch.randn(4, 1, 8, 8)
    for p in (0.0, 0.25):
        model = model_of(name, dropout=p)
        assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {p}
        assert torch.equal(model.eval()(x), model(x))
        assert torch.equal(model.train().body(x), model.body(x)) == (p == 0)


@pytest.mark.parametrize("name", [n for n in TRAINED if n != "linear"])
def test_dropout_keeps_the_mean_of_the_features(name: str) -> None:
    p, rounds = 0.4, 3000
    more: dict[str, Any] = (
        {"widths": [64]} if name == "mlp" else {}
    )  # one layer: a second would not be linear in it
    model = model_of(name, norm="none", dropout=p, **more)
    x = torch.randn(1, 1, 8, 8)
    with torch.no_grad():
        expected = model.eval().body(x)
        torch.manual_seed(0)
        drawn = torch.cat([model.train().body(x) for _ in range(rounds)])
    alive = expected[0].abs() > 1e-6
    n = rounds * int(alive.sum())
    zeroed = (drawn[:, alive] == 0).double().mean().item()
    assert abs(zeroed - p) < 4 * (p * (1 - p) / n) ** 0.5
    share = (drawn[:, alive] / expected[:, alive]).double()
    assert abs(share.mean().item() - 1) < 4 * (p / (1 - p) / n) ** 0.5
    assert share.max().item() == pytest.approx(1 / (1 - p), rel=1e-4)


@pytest.mark.parametrize("name", [n for n in TRAINED if n != "linear"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dropout": 1.0}, "dropout must lie in"),
        ({"dropout": float("nan")}, "dropout must lie in"),
        ({"eps": 0.0}, "eps must be positive"),
        ({"eps": float("nan")}, "eps must be positive"),
        ({"momentum": -0.1}, "momentum must lie in"),
        ({"momentum": 1.1}, "momentum must lie in"),
        ({"momentum": float("nan")}, "momentum must lie in"),
        ({"norm": "bacth"}, "norm must be one of none, batch"),
        ({"norm_position": "behind"}, "norm_position must be one of before, after"),
        ({"norm": "group", "groups": 7}, "groups=7 must divide"),
        ({"groups": 0}, "groups must be at least 1"),
        ({"activation": "swish"}, "activation must be one of"),
    ],
    ids=str,
)
def test_arguments_outside_their_range_are_refused(
    name: str, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        model_of(name, **wrong)


@pytest.mark.parametrize("name", [n for n in TRAINED if n != "linear"])
@pytest.mark.parametrize("norm", ["batch", "layer", "group", "weight"])
def test_every_mixing_layer_of_the_body_has_its_norm(name: str, norm: str) -> None:
    model = model_of(name, norm=norm, eps=0.125, momentum=0.75)
    layers = [m for m in model.body.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    norms = [m for m in model.modules() if isinstance(m, NORM_LAYERS)]
    normed = [is_parametrized(layer, "weight") for layer in layers]
    assert normed == [norm == "weight"] * len(layers)
    assert not is_parametrized(model.head)
    assert len(norms) == (0 if norm == "weight" else len(layers))
    for layer in norms:
        assert layer.eps == 0.125
        assert getattr(layer, "momentum", 0.75) == 0.75
        assert (layer.weight == 1).all()
        assert (layer.bias == 0).all()
    assert {layer.bias is not None for layer in layers} == {norm == "weight"}


@pytest.mark.parametrize("name", [n for n in TRAINED if n != "linear"])
def test_it_runs_in_double_and_half_precision(name: str) -> None:
    for norm, dtype in product(
        ("batch", "layer", "group", "weight"), (torch.float64, torch.bfloat16)
    ):
        model = model_of(name, norm=norm).to(dtype)
        assert model(torch.randn(4, 1, 8, 8, dtype=dtype)).dtype is dtype
