"""compress=dynamic: numbers by hand, and which models it is for."""

import copy
from typing import Any

import pytest
import torch
from integers import SPEC, Scaled, accuracy, bench, digits, kinds, learning, optimised
from torch import nn

pytest.importorskip("onnxruntime")

from seedbed.compress._export import difference, to_onnx
from seedbed.compress.dynamic import Dynamic, integers
from seedbed.model.cnn import CNN
from seedbed.model.exported import Session
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet
from seedbed.types import Batch, Spec

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data() -> tuple[Batch, Batch]:
    return digits()


@pytest.fixture(scope="module")
def case(data: tuple[Batch, Batch]) -> tuple[nn.Module, Session, list[str]]:
    torch.manual_seed(0)
    net, told = Scaled(MLP(SPEC.shape, 10, norm="batch")), []
    net.scaling.fit(data[0].x)  # pyright: ignore[reportCallIssue]
    learning(data[0])(net, None, 6)
    small = Dynamic()(copy.deepcopy(net), bench(net, data[0], told))
    assert isinstance(small, Session)
    return net, small, told


def test_linear_layers_are_integer_and_nothing_is_lost(
    case: tuple[nn.Module, Session, list[str]], data: tuple[Batch, Batch], tmp_path: Any
) -> None:
    net, small, told = case
    found = kinds(optimised(small.content, tmp_path))
    assert sum(n for k, n in found.items() if k in ("DynamicQuantizeMatMul", "MatMulInteger")) == 3
    assert not set(found) & {"MatMul", "Gemm", "FusedGemm", "FusedMatMul", "BatchNormalization"}
    assert told == []
    before = accuracy(net, data[1])
    assert before > 93
    assert abs(accuracy(small, data[1]) - before) <= 0.5
    apart = difference(net, small, [data[1].x], SPEC)
    assert 1e-4 * apart.scale < apart.largest < 0.05 * apart.scale
    assert small(data[1].x[:1]).shape == (1, 10)
    assert integers(small.content) > 0.95
    assert len(small.content) < 0.33 * len(to_onnx(net, data[1].x[:2], SPEC))
    assert to_onnx(small, data[1].x[:2], SPEC) == small.content


def test_one_layer_by_hand() -> None:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.3, -1.27], [0.05, 0.0127]]))
        layer.bias.copy_(torch.tensor([0.7, -0.2]))
    x = torch.tensor([[-1.0, 2.0], [0.777, -0.123]])
    spec = Spec((2,), "value", 2)
    net = nn.Sequential(layer)
    small = Dynamic()(copy.deepcopy(net), bench(net, Batch(x, x), spec=spec))
    step = 3 / 255  # the range of this batch, with 0
    zero = round(1 / step)
    q = torch.clamp(torch.round(x / step) + zero, 0, 255) - zero
    scales = torch.tensor([1.27 / 127, 0.05 / 127])
    weights = torch.round(layer.weight.detach() / scales[:, None])
    expected = (q @ weights.T) * step * scales + layer.bias.detach()
    torch.testing.assert_close(small(x), expected, atol=1e-5, rtol=0)
    other = small(x[1:])  # another batch, another range
    assert (other - expected[1:]).abs().max() > 1e-4
    torch.testing.assert_close(other, net(x[1:]).detach(), atol=0.01, rtol=0)


def test_convolutions_stay_and_are_named(data: tuple[Batch, Batch]) -> None:
    net, told = CNN(SPEC.shape, 10, (4, 4), hidden=64).eval(), []
    small = Dynamic()(copy.deepcopy(net), bench(net, data[0], told))
    names = "body.0.0.0 (Conv2d), body.0.1.0 (Conv2d)"
    assert told == [f"compress=dynamic: stays in float: {names}"]
    assert difference(net, small, [data[1].x], SPEC).largest < 0.05


def test_a_model_of_convolutions_is_refused(data: tuple[Batch, Batch]) -> None:
    net = ResNet(SPEC.shape, 10, (8, 16), 1).eval()
    with pytest.raises(ValueError, match=r"% of the weights are in linear layers.*=static"):
        Dynamic()(net, bench(net, data[0]))


def test_an_argument_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="max_drop must be at least 0, got -1"):
        Dynamic(max_drop=-1)
