"""Checkpoints of pruned models in models as their configs describe them."""

import copy
import sys
from typing import Any

import pytest
import torch
from shrinking import MODELS, SHAPE, Net, bench_of, examples, lively, net_of
from torch import Tensor, nn

from seedbed.compress._adopt import adopt
from seedbed.compress.structured import Structured

X = examples().x
NORMS = ["none", "batch", "layer", "group", "weight"]


def fresh(kind: str, **choices: Any) -> Any:
    """Return a model as it is built, weight norm and all."""
    if kind == "inception" and choices.get("norm") == "group":
        choices["groups"] = 2
    torch.manual_seed(1)
    return Net(MODELS[kind](**choices))


@pytest.mark.parametrize("kind", ["mlp", "cnn", "resnet", "inception"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("position", ["before", "after"])
def test_a_pruned_model_comes_back_bit_by_bit(kind: str, norm: str, position: str) -> None:
    choices: dict[str, Any] = {"norm": norm, "norm_position": position}
    small = net_of(kind, **choices)
    Structured(ratio=0.4, round_to=1, epochs=1)(small, bench_of(small))
    net = fresh(kind, **choices)
    adopt(net, small.state_dict(), SHAPE)
    assert str(net) == str(small)
    assert torch.equal(net.eval()(X), small(X))
    assert torch.equal(net.train()(X).detach(), small.train()(X).detach())
    assert all(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("kind", ["mlp", "cnn", "resnet", "inception"])
@pytest.mark.parametrize("norm", NORMS)
def test_a_whole_model_is_loaded_as_ever(kind: str, norm: str) -> None:
    net, other = fresh(kind, norm=norm), fresh(kind, norm=norm)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(0.1)
    weights = [id(p) for p in net.parameters()]
    adopt(net, other.state_dict())
    assert [id(p) for p in net.parameters()] == weights  # parametrizations stay, too
    assert torch.equal(net.eval()(X), other.eval()(X))


def test_plain_weights_of_a_weight_norm_model() -> None:
    plain = lively(fresh("resnet", norm="weight"))
    net = fresh("resnet", norm="weight")
    adopt(net, plain.state_dict())
    assert net.state_dict().keys() == plain.state_dict().keys()
    assert torch.equal(net.eval()(X), plain(X))


class Strange(nn.Module):
    """Layers that our models do not have."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 8, 3),
            nn.BatchNorm2d(8, affine=False),
            nn.PReLU(8),
            nn.Conv2d(8, 8, 3, groups=8),
            nn.GroupNorm(2, 8),
            nn.Conv2d(8, 8, 1, groups=2),
            nn.ConvTranspose2d(8, 8, 2),
            nn.InstanceNorm2d(8, affine=True),
            nn.Conv2d(8, 12, 1),
        )
        self.norm = nn.LayerNorm(12)
        self.head = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.body(x).mean((2, 3))))


def test_layers_of_other_kinds_come_back() -> None:
    small, net = lively(Strange()), Strange()
    Structured(round_to=1, epochs=0)(small, bench_of(small))
    assert small.body[3].groups == 4
    assert small.norm.normalized_shape == (6,)
    adopt(net, small.state_dict(), SHAPE)
    assert str(net) == str(small).replace("BatchNorm2d(8", "BatchNorm2d(4")
    assert torch.equal(net.eval()(X), small(X))


def test_without_torch_pruning(monkeypatch: pytest.MonkeyPatch) -> None:
    small = net_of("cnn")
    Structured(round_to=1, epochs=0)(small, bench_of(small))
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    adopt(fresh("cnn"), small.state_dict(), SHAPE)
    with pytest.raises(ImportError, match="compress=structured needs torch_pruning: pip install"):
        Structured()(net_of("cnn"), bench_of(small))


def changed(**tensors: Tensor | None) -> dict[str, Tensor]:
    """Return what is left of a pruned CNN, with other tensors; None takes one out."""
    small = net_of("cnn", norm="group")
    Structured(round_to=1, epochs=0)(small, bench_of(small))
    state = copy.deepcopy(small.state_dict())
    for name, tensor in tensors.items():
        state.pop(name, None)
        if tensor is not None:
            state[name] = tensor
    return state


CONV, NORM = "model.body.0.1.0", "model.body.0.1.1"


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({f"{CONV}.weight": None}, f"lacks '{CONV}.weight': it is not of this model"),
        ({"a": torch.ones(1), "b": torch.ones(1)}, "has an unknown 'a' and 1 more: it is not"),
        ({f"{CONV}.weight": torch.ones(12, 8, 5, 5)}, r"has shape \(12, 8, 5, 5\), the model's"),
        ({f"{CONV}.weight": torch.ones(12, 8)}, r"has shape \(12, 8\), the model's has \(24, 16"),
        ({f"{CONV}.weight": torch.ones(12, 17, 3, 3)}, r"has shape \(12, 17, 3, 3\), the model's"),
        ({f"{CONV}.weight": torch.ones(0, 8, 3, 3)}, r"has shape \(0, 8, 3, 3\), the model's has"),
        ({f"{NORM}.bias": torch.ones(8)}, "widths that do not agree: weight 12, bias 8"),
        (
            {f"{NORM}.bias": torch.ones(6), f"{NORM}.weight": torch.ones(6)},
            f"{NORM}: 4 groups do not divide its 6 channels",
        ),
        (
            {"model.head.weight": torch.ones(2, 16), "model.head.bias": torch.ones(2)},
            "model.head has another number of outputs",
        ),
        ({"scaling.mean": torch.ones(1, 1, 1, 1)}, r"scaling.mean has shape \(1, 1, 1, 1\)"),
        ({f"{CONV}.weight": torch.ones(12, 4, 3, 3)}, "has layers that do not fit"),
        ({f"{NORM}.{k}": torch.ones(8) for k in ("weight", "bias")}, "has layers that do not fit"),
        ({"model.body.0.0.0.weight": torch.ones(8, 1, 3, 3)}, "has layers that do not fit"),
    ],
)
def test_what_cannot_be_of_the_model_is_refused(tensors: dict[str, Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        adopt(fresh("cnn", norm="group"), changed(**tensors), SHAPE)
    assert "\n" not in str(caught.value)


def test_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="it is not of this model"):
        adopt(fresh("cnn"), net_of("mlp").state_dict())


def test_outputs_that_are_no_head_are_counted() -> None:
    net, small = (nn.Sequential(nn.Flatten(), nn.Linear(128, n)) for n in (5, 4))
    with pytest.raises(ValueError, match=r"gives \(2, 4\) instead of \(2, 5\)"):
        adopt(net, small.state_dict(), SHAPE)
