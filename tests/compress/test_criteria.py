"""What channels are worth, against the gradients of single examples and closed forms."""

from typing import Any

import pytest
import torch
from shrinking import bench_of, examples, net_of, shapes
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from seedbed.compress._family import families
from seedbed.compress._graph import Graph
from seedbed.compress._score import by_fisher, by_nothing
from seedbed.compress.structured import Structured
from seedbed.types import Batch


class Deep(nn.Module):
    """Two linear layers with nothing in between."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.head = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.one(x))


def squared(outputs: Tensor, y: Tensor) -> Tensor:
    return (outputs - y).square().sum(1).mean()


def scores(net: nn.Module, batches: list[Batch], loss: Any) -> dict[str, Tensor]:
    found, _ = families(Graph(net, batches[0].x), set())
    values = by_fisher(net, found, batches, loss)
    return {f.name: v for f, v in zip(found, values, strict=True)}


def split(data: Batch, size: int) -> list[Batch]:
    return [Batch(x, y) for x, y in zip(data.x.split(size), data.y.split(size), strict=True)]


def test_fisher_of_a_linear_model_has_a_closed_form() -> None:
    torch.manual_seed(0)
    net, x, y = Deep(), torch.randn(10, 4), torch.randn(10, 2)
    hidden = x @ net.one.weight.T + net.one.bias  # (N, 6)
    slope = 2 * (net(x) - y)  # (N, 2): of the loss by the outputs
    gradient = hidden * (slope @ net.head.weight)  # (N, 6): by a factor on a unit
    expected = gradient.square().mean(0).detach().double() / 2
    for size in (10, 4, 1):  # the last batch of 4 has 2: every example counts the same
        found = scores(net, split(Batch(x, y), size), squared)
        torch.testing.assert_close(found["one"], expected, rtol=1e-5, atol=1e-6)


def test_fisher_is_the_square_of_each_example_s_gradient_along_the_weights_that_read() -> None:
    net, data = net_of("resnet", norm="batch"), examples(12)
    weights = {k: v.detach() for k, v in net.named_parameters()}

    def loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(net, weights, x[None]), y[None])

    each = vmap(grad(loss), (None, 0, 0))(weights, *data[:2])
    found = scores(net, split(data, 5), nn.functional.cross_entropy)
    for maker, readers in {
        "model.body.2.1.branch.0": ["model.body.2.1.branch.3"],
        "model.body.0.0": [f"model.body.{i}.branch.0" for i in ("1.0", "1.1", "2.0")]
        + ["model.body.2.0.shortcut.0"],
    }.items():
        along = torch.zeros(12, len(found[maker]), dtype=torch.float64)
        for reader in readers:
            product = each[f"{reader}.weight"] * weights[f"{reader}.weight"]  # (N, O, I, k, k)
            along += product.double().sum((1, 3, 4))
        expected = along.square().mean(0) / 2
        torch.testing.assert_close(found[maker], expected, rtol=1e-3, atol=1e-9)
        batch = along.mean(0).square() / 2  # the common mistake
        assert not torch.allclose(expected, batch, rtol=0.1)


def test_fisher_needs_no_gradients_left_on_and_leaves_none() -> None:
    net = net_of("cnn", norm="batch").requires_grad_(False)
    with torch.no_grad():
        small = Structured(criterion="fisher", epochs=0)(net, bench_of(net))
    assert all(p.grad is None and not p.requires_grad for p in small.parameters())


def test_random_channels_follow_from_the_seed_alone() -> None:
    net = net_of("cnn")
    found, _ = families(Graph(net, examples().x), set())
    first = by_nothing(found, 0)
    torch.manual_seed(99)
    assert all(torch.equal(a, b) for a, b in zip(first, by_nothing(found, 0), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, by_nothing(found, 1), strict=True))
    assert [sorted(v.tolist()) for v in first] == [list(range(len(f.made))) for f in found]


def biases(net: nn.Module) -> list[float]:
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return torch.cat([m.get_parameter("bias").detach() for m in layers]).tolist()


@pytest.mark.parametrize("criterion", ["magnitude", "fisher", "random"])
def test_the_same_channels_go_every_time(criterion: Any) -> None:
    kept = []
    for draws in (0, 3):
        torch.manual_seed(draws)
        net = net_of("cnn")
        torch.manual_seed(draws)
        state = torch.get_rng_state()
        Structured(criterion=criterion, round_to=1).shrink(net, bench_of(net, seed=4))
        assert torch.equal(torch.get_rng_state(), state)
        kept.append(biases(net))
    assert kept[0] == kept[1]


def test_the_control_removes_as_many_others() -> None:
    ours = Structured(ratio=0.25, criterion="fisher", round_to=1, max_drop=3.0)
    control = ours.randomly()
    assert (control.criterion, ours.criterion) == ("random", "fisher")
    assert (control.ratio, control.max_drop) == (0.25, 3.0)
    nets = [net_of("cnn"), net_of("cnn"), net_of("cnn")]
    for net, step, seed in zip(nets, (ours, control, control), (0, 0, 1), strict=True):
        step.shrink(net, bench_of(net, seed=seed))
    assert shapes(nets[0]) == shapes(nets[1]) == shapes(nets[2])
    assert biases(nets[0]) != biases(nets[1]) != biases(nets[2])


def test_a_model_that_is_no_number_is_refused() -> None:
    net = net_of("cnn")
    torch.nn.init.constant_(next(net.parameters()), torch.nan)
    with pytest.raises(ValueError, match=r"criterion=magnitude: .* is no number"):
        Structured().shrink(net, bench_of(net))
