"""compress=static: numbers by hand, and what ONNX Runtime makes of the graph."""

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from integers import SPEC, Scaled, accuracy, bench, digits, kinds, learning, optimised
from torch import Tensor, nn

pytest.importorskip("torchao")
pytest.importorskip("onnxruntime")

from seedbed.compress._export import difference, to_onnx, verified
from seedbed.compress.static import Static
from seedbed.model.cnn import CNN
from seedbed.model.exported import Session
from seedbed.model.inception import Inception
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet
from seedbed.types import Batch

pytestmark = pytest.mark.slow

MODELS: dict[str, Any] = {
    "mlp": lambda: MLP(SPEC.shape, 10, norm="batch", dropout=0.2),
    "cnn": lambda: CNN(SPEC.shape, 10, channels=(16, 32), hidden=32, dropout=0.2),
    "resnet": lambda: ResNet(SPEC.shape, 10, channels=(16, 32), blocks=1),
    "inception": lambda: Inception(SPEC.shape, 10, stem=16, widths=(32,)),
}
EXPECTED = {  # every operation that ONNX Runtime is left with, beside moves and the scaling
    "mlp": {"QGemm": 3},
    "cnn": {"QLinearConv": 2, "QGemm": 2},
    "resnet": {"QLinearConv": 6, "QLinearAdd": 2, "QLinearAveragePool": 1, "QGemm": 1},
    "inception": {"QLinearConv": 7, "QLinearConcat": 1, "QLinearAveragePool": 1, "QGemm": 1},
}
MOVES = {"Transpose", "Reshape", "NhwcMaxPool", "MaxPool", "Flatten"}
SCALING = {"Sub": 1, "Div": 1, "QuantizeLinear": 1}


class Case(NamedTuple):
    """A model before and after."""

    net: nn.Module
    small: nn.Module
    content: bytes
    graph: Any  # what ONNX Runtime computes
    told: list[str]


@pytest.fixture(scope="module")
def data() -> tuple[Batch, Batch]:
    return digits()


@pytest.fixture(scope="module", params=MODELS)
def case(
    request: pytest.FixtureRequest,
    data: tuple[Batch, Batch],
    tmp_path_factory: pytest.TempPathFactory,
) -> Case:
    torch.manual_seed(0)
    net = Scaled(MODELS[request.param]())
    net.scaling.fit(data[0].x)  # pyright: ignore[reportCallIssue]
    net.name = request.param
    learning(data[0], 4e-3)(net, None, 12 if request.param == "inception" else 6)
    told: list[str] = []
    small = Static()(copy.deepcopy(net), bench(net, data[0], told))
    content = to_onnx(small, data[0].x[:2], SPEC)
    return Case(net, small, content, optimised(content, tmp_path_factory.mktemp("o")), told)


def test_onnx_runtime_computes_all_of_it_in_integers(case: Case) -> None:
    found = {k: n for k, n in kinds(case.graph).items() if k not in MOVES}
    assert found == {**EXPECTED[str(case.net.name)], **SCALING}
    assert case.told == []


def test_weights_are_bytes_with_the_scale_of_their_channel(case: Case) -> None:
    from onnx import numpy_helper

    known = {each.name: numpy_helper.to_array(each) for each in case.graph.initializer}
    layers = [n for n in case.graph.node if n.op_type in ("QLinearConv", "QGemm")]
    for node in layers:
        weight, scale, zero = (known[name] for name in node.input[3:6])
        assert str(weight.dtype) == "int8"
        assert scale.ndim == 1
        assert not zero.any()
        assert str(known[node.input[2]].dtype) == "uint8"  # activations
        wide = [a.i for a in node.attribute if a.name == "transB"] == [0] or (
            node.op_type == "QGemm" and not any(a.name == "transB" for a in node.attribute)
        )
        channels = (weight.T if wide else weight).astype(int).reshape(len(scale), -1)
        assert (abs(channels).max(1) == 127).all()  # the largest weight is the last step
        bias = known[[name for name in node.input if name in known][-1]]
        assert str(bias.dtype) in ("int32", "uint8")


def test_it_answers_as_before_in_torch_and_in_onnx_runtime(
    case: Case, data: tuple[Batch, Batch]
) -> None:
    test, run = data[1], Session(case.content)
    before = accuracy(case.net, test)
    assert before > 90
    assert abs(accuracy(case.small, test) - before) <= 0.5
    assert abs(accuracy(run, test) - before) <= 0.5
    found = verified(case.small, run, test.x, SPEC)
    assert found.largest < 0.01 * found.scale
    rounding = difference(case.net, run, [test.x], SPEC)
    assert 1e-4 * rounding.scale < rounding.largest < 0.12 * rounding.scale
    for size in (1, 3, 64):
        assert run(test.x[:size]).shape == (size, 10)
        alone = torch.cat([run(x) for x in test.x[:size].split(1)])
        torch.testing.assert_close(alone, run(test.x[:size]), rtol=0, atol=0.01 * found.scale)


def test_it_keeps_its_shape_and_words(case: Case, data: tuple[Batch, Batch]) -> None:
    assert json.loads(Session(case.content).metadata["seedbed"])["classes"] == list("0123456789")
    again = copy.deepcopy(case.small)
    case.small.train()
    case.small.eval()
    assert torch.equal(again(data[1].x[:5]), case.small(data[1].x[:5]))
    kept = [t for t in case.small.state_dict().values() if t.is_floating_point()]
    assert max(t.numel() for t in kept) <= 128  # no weight is left in float


def linear(weight: list[list[float]], bias: list[float]) -> nn.Sequential:
    layer = nn.Linear(len(weight[0]), len(weight))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))
    return nn.Sequential(layer)


def given(*rows: list[float]) -> Batch:
    return Batch(torch.tensor(rows), torch.zeros(len(rows), dtype=torch.long))


def hand(net: nn.Module, batch: Batch, **more: Any) -> nn.Module:
    return Static(method="minmax", **more)(net, bench(net, batch))


def test_one_layer_by_hand() -> None:
    batch = given([-1.0, 2.0], [0.25, -0.5], [1.5, 0.0])
    small = hand(linear([[0.3, -1.27], [0.05, 0.0127]], [0.7, -0.2]), batch)
    step = 3.0 / 255  # activations from -1 to 2
    zero = round(1 / step)
    x = torch.tensor([[0.777, -0.123], [9.0, -9.0]])
    q = torch.clamp(torch.round(x / step) + zero, 0, 255) - zero
    weights = torch.tensor([[0.3 / 0.01, -127.0], [127.0, 0.0127 * 127 / 0.05]]).round()
    scales = torch.tensor([1.27 / 127, 0.05 / 127])
    bias = torch.round(torch.tensor([0.7, -0.2]) / (step * scales))
    expected = (q @ weights.T + bias) * step * scales
    torch.testing.assert_close(small(x), expected, atol=1e-6, rtol=1e-6)
    run = Session(to_onnx(small, x, SPEC))
    torch.testing.assert_close(run(x), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("tiny", [0.0, 1e-12, 1e-30])
def test_a_bias_over_weights_of_almost_nothing_keeps_its_value(tiny: float) -> None:
    batch = given([0.0, 1.0], [1.0, 0.0])
    small = hand(linear([[tiny, -tiny], [1.0, 2.0]], [5.0, -3.0]), batch)
    run = Session(to_onnx(small, batch.x, SPEC))
    expected = torch.tensor([[5.0, -1.0], [5.0, -2.0]])
    torch.testing.assert_close(small(batch.x), expected, atol=0.01, rtol=0)
    torch.testing.assert_close(run(batch.x), expected, atol=0.01, rtol=0)


def test_activations_that_are_always_0_leave_the_bias() -> None:
    first, last = linear([[-1.0, -1.0]], [-1.0]), linear([[2.0]], [4.0])
    batch = given([0.0, 1.0], [1.0, 0.0])
    small = hand(nn.Sequential(first, nn.ReLU(), last), batch)
    assert small(batch.x).flatten().tolist() == pytest.approx([4.0, 4.0], abs=0.02)
    run = Session(to_onnx(small, batch.x, SPEC))
    assert run(batch.x).flatten().tolist() == pytest.approx([4.0, 4.0], abs=0.02)


class Odd(nn.Module):
    """What the house's models have not: sequences, one dimension, a mean that keeps its axes."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.conv = nn.Linear(8, 6), nn.Conv1d(8, 4, 3)
        self.maps, self.up = nn.Conv2d(1, 4, 3), nn.ConvTranspose2d(4, 2, 3)
        self.norm, self.out = nn.LayerNorm(6), nn.Linear(6 * 8 + 24 + 4 + 2, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.norm(self.steps(x[:, 0])).relu().flatten(1)
        lines = torch.nn.functional.gelu(self.conv(x[:, 0])).flatten(1)
        maps = self.maps(x).relu()
        means = nn.functional.adaptive_avg_pool2d(maps, 1).flatten(1)
        up = self.up(maps).mean((2, 3))
        return self.out(torch.cat([rows, lines, means, up], 1))


def test_what_stays_in_float_is_named_and_right() -> None:
    torch.manual_seed(0)
    x, told = torch.randn(64, 1, 8, 8), []
    net = Odd().eval()
    batch = Batch(x, torch.zeros(64, dtype=torch.long))
    small = Static()(copy.deepcopy(net), bench(net, batch, told))
    (line,) = told
    assert line.startswith("compress=static: stays in float: ")
    for name in ("norm (LayerNorm)", "up (ConvTranspose2d)", "gelu"):
        assert name in line
    run = Session(to_onnx(small, x[:2], SPEC))
    spec = SPEC.__class__((1, 8, 8), "value", 3)
    assert verified(small, run, x, spec).largest < 0.05
    found = difference(net, run, [x[:1], x[1:]], spec)
    assert found.largest < 0.05 * found.scale


class Again(nn.Module):
    """One layer three times, on inputs of other ranges; the sum of a tensor with itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        once = self.conv(x).relu()
        twice = self.conv(once * 30).relu_()
        return self.out(torch.cat([twice + twice, self.conv(twice)], 1).mean((-1, -2)))


def test_a_layer_that_is_used_again_has_a_bias_for_each_input(tmp_path: Path) -> None:
    torch.manual_seed(0)
    x, net = torch.randn(64, 2, 6, 6), Again().eval()
    spec = SPEC.__class__((2, 6, 6), "value", 3)
    small = Static()(copy.deepcopy(net), bench(net, Batch(x, x)))
    content = to_onnx(small, x[:2], spec)
    assert kinds(optimised(content, tmp_path))["QLinearConv"] == 3
    assert verified(small, Session(content), x, spec).largest < 0.2
    found = difference(net, small, [x], spec)
    assert found.largest < 0.03 * found.scale


class Sequence(nn.Module):
    """A mean over steps, for which there is no integer kernel, and a difference."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x).relu().mean(1)
        return self.c(torch.add(self.b(y), y, alpha=2))


def test_other_means_and_sums_stay_in_float() -> None:
    torch.manual_seed(0)
    x, told, net = torch.randn(64, 5, 4), [], Sequence().eval()
    spec = SPEC.__class__((5, 4), "value", 2)
    small = Static()(copy.deepcopy(net), bench(net, Batch(x, x), told))
    assert told == ["compress=static: stays in float: mean, add"]
    verified(small, Session(to_onnx(small, x[:2], spec)), x, spec)
    found = difference(net, small, [x], spec)
    assert found.largest < 0.03 * found.scale


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_do_not_matter(unit: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 4) * unit
    net = MLP((4,), 2, (16,)).eval()
    with torch.no_grad():
        net.body[1].weight.div_(unit)  # pyright: ignore[reportCallIssue]
    small = Static()(copy.deepcopy(net), bench(net, Batch(x, x)))
    spec = SPEC.__class__((4,), "value", 2)
    found = difference(net, small, [x], spec)
    assert found.largest < 0.02 * found.scale
    verified(small, Session(to_onnx(small, x[:2], spec)), x, spec)


@pytest.mark.parametrize("activation", ["gelu", "silu", "tanh", "sigmoid", "leaky_relu"])
def test_other_activations_are_named(activation: Any, data: tuple[Batch, Batch]) -> None:
    torch.manual_seed(0)
    net, told = CNN(SPEC.shape, 10, (8,), hidden=16, activation=activation).eval(), []
    small = Static()(copy.deepcopy(net), bench(net, data[0], told))
    found = difference(net, small, [data[1].x], SPEC)
    assert found.largest < 0.05 * found.scale
    layer = type(net.body[0][0][1]).__name__  # pyright: ignore[reportIndexIssue]
    assert told == [f"compress=static: stays in float: body.0.0.1 ({layer}), body.3 ({layer})"]


def test_outliers_cost_less_by_percentile() -> None:
    torch.manual_seed(0)
    x = torch.randn(512, 4)
    x[7, 2] = 400.0
    net = linear([[1.0, -1.0, 0.5, 0.2]], [0.0])
    errors = {}
    for method in ("minmax", "percentile"):
        batch = Batch(x, torch.zeros(512, dtype=torch.long))
        small = Static(method=method)(copy.deepcopy(net), bench(net, batch))
        errors[method] = (small(x[8:]) - net(x[8:])).square().mean().item()
    assert errors["percentile"] < 0.1 * errors["minmax"]


def test_the_percentile_by_hand() -> None:
    """Of each batch of 64 the second lowest and second highest would be right with a tail of 2."""
    x = torch.arange(128.0)[:, None]
    small = Static(128, "percentile")(
        linear([[1.0]], [0.0]), bench(linear([[1.0]], [0.0]), Batch(x, x))
    )
    order = [b.x for b in bench(small, Batch(x, x)).batches(small, 128)]
    top = sum(b.max().item() for b in order) / 2
    assert small(torch.tensor([[1e6]])).item() == pytest.approx(top, rel=1e-5)


def test_more_examples_than_there_are_and_one_alone() -> None:
    net = linear([[1.0, -1.0]], [0.0])
    for rows in ([[0.5, 1.0]], [[0.5, 1.0], [1.0, 0.0], [0.0, 0.0]]):
        assert hand(copy.deepcopy(net), given(*rows), examples=512)(torch.zeros(5, 2)).shape == (
            5,
            1,
        )


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_examples_that_are_no_numbers_are_refused(poison: float) -> None:
    net = linear([[1.0, -1.0]], [0.0])
    with pytest.raises(ValueError, match=r"^examples: an input among them is not finite"):
        hand(net, given([0.0, 1.0], [poison, 0.0]))
    with pytest.raises(ValueError, match=r"^examples: the model's output .* is not finite"):
        hand(linear([[1.0, poison]], [0.0]), given([0.0, 1.0], [1.0, 0.0]))


def test_a_model_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="the model has no linear or convolutional layer"):
        hand(nn.Sequential(nn.Flatten()), given([0.0, 1.0]))


class Values(nn.Module):
    """Does something else for other numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if x.sum() > 0 else x


def test_a_model_that_depends_on_values_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="the model cannot be exported: ") as refused:
        hand(Values(), given([0.0, 1.0]))
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"examples": 0}, "examples must be at least 1, got 0"),
        ({"method": "entropy"}, "method must be one of minmax, percentile, got 'entropy'"),
        ({"max_drop": -1.0}, "max_drop must be at least 0, got -1"),
        ({"max_drop": float("nan")}, "max_drop must be at least 0, got nan"),
    ],
)
def test_an_argument_outside_its_range_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Static(**wrong)
