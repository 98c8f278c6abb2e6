"""compress=qat: what is trained, what is observed when, and that it recovers what is lost."""

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from integers import SPEC, Scaled, accuracy, bench, digits, kinds, learning, optimised
from torch import Tensor, nn

pytest.importorskip("torchao")
pytest.importorskip("onnxruntime")

from seedbed.compress._capture import with_layers
from seedbed.compress._export import difference, to_onnx, verified
from seedbed.compress._integer import converted, prepared
from seedbed.compress.qat import QAT, observe, roundings
from seedbed.compress.static import Static
from seedbed.model.cnn import CNN
from seedbed.model.exported import Session
from seedbed.model.mlp import MLP
from seedbed.types import Batch
from seedbed.weight import weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data() -> tuple[Batch, Batch]:
    return digits()


def ready(net: nn.Module, train: Batch) -> Any:
    """Return a graph about to be trained."""
    tools = bench(net, train)
    graph = prepared(net, tools, "compress=qat", training=True)
    observe(graph, tools, 256)
    return graph


def uneven(train: Batch) -> Scaled:
    """Return a trained net whose channels are up to three thousand times apart.

    A u8 grid over all channels of an activation leaves nothing of the small ones.
    """
    torch.manual_seed(0)
    net = Scaled(MLP(SPEC.shape, 10, widths=(64,)))
    net.scaling.fit(train.x)  # pyright: ignore[reportCallIssue]
    learning(train)(net, None, 8)
    inner: Any = net.model
    first, head = inner.body[1], inner.head
    with torch.no_grad():
        grown = torch.logspace(0, 3.5, 64)  # relu is homogeneous: what comes larger counts less
        first.weight.mul_(grown[:, None])
        first.bias.mul_(grown)
        head.weight.div_(grown)
    return net


def test_a_model_that_rounding_spoils_recovers(data: tuple[Batch, Batch], tmp_path: Any) -> None:
    train, test = data
    net = uneven(train)
    before = accuracy(net, test)
    static = accuracy(Static()(copy.deepcopy(net), bench(net, train)), test)
    small = QAT(epochs=6, rate=1.0)(copy.deepcopy(net), bench(net, train))
    assert before > 93
    assert static < before - 8
    assert accuracy(small, test) > before - 1.5
    content = to_onnx(small, test.x[:2], SPEC)
    found = verified(small, Session(content), test.x, SPEC)
    assert found.largest < 0.01 * found.scale
    assert kinds(optimised(content, tmp_path))["QGemm"] == 2


def test_what_is_trained_is_what_is_exported(data: tuple[Batch, Batch]) -> None:
    torch.manual_seed(0)
    net = CNN(SPEC.shape, 10, (8, 8), hidden=16, norm="batch", dropout=0.3).eval()
    trained: list[Tensor] = []

    def tune(model: nn.Module, loss: object, epochs: int, rate: float = 1.0) -> None:
        learning(data[0])(model, loss, epochs, rate)
        trained[:] = [copy.deepcopy(model)(data[1].x).detach()]

    small = QAT(2, 1.0)(net, bench(net, data[0], tune=tune))
    apart = (small(data[1].x) - trained[0]).abs()
    assert apart.max() < 0.02 * trained[0].abs().max()  # ties between two steps
    assert apart.median() < 1e-5


def test_it_asks_for_two_trainings_and_freezes_between(data: tuple[Batch, Batch]) -> None:
    asked: list[Any] = []

    def tune(model: Any, loss: object, epochs: int, rate: float = 1.0) -> None:
        before = [each.scale.clone() for each in roundings(model)]
        model.train()
        model(20 * data[0].x[:64])  # louder than ever
        model.eval()
        moved = [not torch.equal(a, b.scale) for a, b in zip(before, roundings(model), strict=True)]
        asked.append((loss, epochs, rate, moved))

    net = MLP(SPEC.shape, 10, widths=(16,)).eval()
    QAT(epochs=5, rate=0.2, frozen=2)(net, bench(net, data[0], tune=tune))
    assert [each[:3] for each in asked] == [(None, 3, 0.2), (None, 2, pytest.approx(0.02))]
    assert [any(each[3]) for each in asked] == [True, False]
    assert all(asked[0][3])


def test_evaluation_observes_nothing_and_weights_follow_at_once(data: tuple[Batch, Batch]) -> None:
    graph = ready(MLP(SPEC.shape, 10, widths=(16,)).eval(), data[0])
    state = {k: v.clone() for k, v in graph.state_dict().items()}
    graph.eval()
    graph(100 * data[1].x)
    assert all(torch.equal(state[k], v) for k, v in graph.state_dict().items())
    layer = graph.get_submodule("body.1")
    with torch.no_grad():
        layer.weight[3] *= 0.5  # a range that became smaller, too
    graph(data[1].x[:2])
    changed = [k for k, v in graph.state_dict().items() if not torch.equal(state[k], v)]
    scale = next(k for k in changed if k.endswith("scale"))
    moved = graph.state_dict()[scale] / state[scale]
    torch.testing.assert_close(moved, torch.ones(16).index_fill(0, torch.tensor(3), 0.5))


def test_training_sees_rounded_numbers_and_straight_gradients(data: tuple[Batch, Batch]) -> None:
    net: Any = nn.Sequential(nn.Linear(2, 1))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 0.0123]]))
        net[0].bias.fill_(0.5)
    x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.3333, 0.7]])
    graph = ready(net, Batch(x, torch.zeros(3)))
    graph.train()
    out = graph(x)
    q = torch.round(x * 255) / 255
    w = torch.round(torch.tensor([1.0, 0.0123]) * 127) / 127
    torch.testing.assert_close(out.flatten(), q @ w + 0.5, atol=1e-6, rtol=0)
    out.sum().backward()
    layer = graph.get_submodule("0")
    torch.testing.assert_close(layer.weight.grad, q.sum(0, keepdim=True))
    assert layer.bias.grad.item() == 3


def test_the_graph_is_a_model_like_others(data: tuple[Batch, Batch]) -> None:
    """Lightning flips its mode, copies it, saves it, and feeds it batches of any size."""
    net = CNN(SPEC.shape, 10, (8,), hidden=16, norm="batch", norm_position="after", dropout=0.5)
    x = data[0].x
    graph = ready(net.eval(), data[0])
    names = {name for name, _ in graph.named_parameters()}
    assert {"head.weight", "body.0.0.0.weight", "body.2.bias"} <= names
    assert len(weights(graph)) == 3  # whoever decays weights finds them
    graph.train()
    torch.manual_seed(1)
    drawn = [graph(x[:7]) for _ in range(2)]
    assert not torch.equal(*drawn)  # dropout is back
    assert graph(x[:1].repeat(2, 1, 1, 1)).shape == (2, 10)
    norm = graph.get_submodule("body.0.0.2")
    assert norm.num_batches_tracked.item() == 3
    graph.eval()
    assert torch.equal(graph(x[:7]), graph(x[:7]))
    assert graph(x[:1]).shape == (1, 10)
    other = copy.deepcopy(graph)
    assert torch.equal(other(x[:5]), graph(x[:5]))
    with torch.no_grad():
        other.get_submodule("head").weight.zero_()
    assert graph.get_submodule("head").weight.abs().max() > 0
    assert not torch.equal(other(x[:5]), graph(x[:5]))
    again = ready(copy.deepcopy(net), data[0])
    again.load_state_dict(graph.state_dict())
    assert torch.equal(again.eval()(x[:5]), graph(x[:5]))
    assert with_layers(graph, net) is graph
    assert torch.equal(converted(again)(x[:5]).argmax(1), graph(x[:5]).argmax(1))


class Drops(nn.Module):
    """Dropout as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 50), nn.Linear(50, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.dropout(self.a(x).relu(), 0.4, self.training))


def test_dropout_that_is_a_function_works_in_training() -> None:
    x = torch.rand(64, 2)
    graph = ready(Drops().eval(), Batch(x, x))
    graph.train()
    torch.manual_seed(0)
    assert not torch.equal(graph(x), graph(x))
    (layer,) = [m for m in graph.modules() if isinstance(m, nn.Dropout)]
    assert layer.p == 0.4
    graph.eval()
    assert torch.equal(graph(x), graph(x))


def test_zeros_can_be_kept(data: tuple[Batch, Batch]) -> None:
    net = MLP(SPEC.shape, 10, widths=(16,)).eval()
    with torch.no_grad():
        net.head.weight[:, ::2] = 0

    def tune(model: nn.Module, loss: object, epochs: int, rate: float = 1.0) -> None:
        masks = [w != 0 for w in weights(model)]
        learning(data[0])(model, loss, epochs, rate)
        with torch.no_grad():
            for w, mask in zip(weights(model), masks, strict=True):
                w.mul_(mask)

    small = QAT(1, 1.0, frozen=0)(net, bench(net, data[0], tune=tune))
    matrices = [t for t in small.state_dict().values() if t.dtype == torch.int8]
    head = next(m for m in matrices if m.shape == (10, 16))
    assert not head[:, ::2].any()
    assert head[:, 1::2].any()


def test_values_are_learned_too() -> None:
    torch.manual_seed(0)
    x = torch.rand(400, 3)
    y = (x @ torch.tensor([[1.0], [2.0], [-1.0]])).sin()
    train = Batch(x, y)
    net = MLP((3,), 1, widths=(32,))

    def tune(model: nn.Module, loss: object, epochs: int, rate: float = 1.0) -> None:
        model.train()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2 * rate)
        for _ in range(60 * epochs):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()
        model.eval()

    tune(net, None, 5)
    spec = SPEC.__class__((3,), "value", 1)
    small = QAT()(copy.deepcopy(net), bench(net, train, spec=spec, tune=tune))
    assert F.mse_loss(small(x), y) < 2e-4 + 2 * F.mse_loss(net(x), y)
    assert difference(net, small, [x], spec).changed == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"rate": 0.0}, "rate must be positive, got 0"),
        ({"rate": float("nan")}, "rate must be positive, got nan"),
        ({"frozen": 4}, r"frozen must lie in \[0, epochs\], got 4 with epochs=3"),
        ({"frozen": -1}, r"frozen must lie in \[0, epochs\], got -1"),
        ({"examples": 0}, "examples must be at least 1, got 0"),
        ({"max_drop": -1.0}, "max_drop must be at least 0, got -1"),
    ],
)
def test_an_argument_outside_its_range_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        QAT(**wrong)
