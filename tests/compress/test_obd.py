"""Optimal Brain Damage: its curvature beside the exact Hessian, and what it prunes."""

from copy import deepcopy
from typing import Any, cast

import pytest
import torch
from bench import digits, trained, workbench
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vmap

from seedbed.compress import obd
from seedbed.compress._sparse import prunable
from seedbed.compress._workbench import Workbench
from seedbed.compress.magnitude import Magnitude
from seedbed.compress.obd import OBD, fisher, saliencies, surprise
from seedbed.model.cnn import CNN
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet
from seedbed.types import Spec

EVERY = 10**9  # examples


def problem(outputs: int, n: int = 50) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(n, 3) * torch.tensor([0.1, 1.0, 5.0]), torch.randn(n, outputs)


def layer(d_in: int, d_out: int) -> Any:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(d_in, d_out)).eval()


def curvature(net: nn.Module, bench: Workbench, examples: int = EVERY, draws: int = 1) -> Tensor:
    """Return the mean over draws of every weight's h, in one row."""
    weights = prunable(net, ())
    found = [fisher(net, weights, bench, step, examples) for step in range(draws)]
    return torch.stack([torch.cat([h.flatten() for h in each.values()]) for each in found]).mean(0)


def exact(net: nn.Module, x: Tensor, y: Tensor, loss: Any) -> Tensor:
    """Return the diagonal of the Hessian in the weights, in one row."""
    weights = {f"{name}.weight": each.detach() for name, each in prunable(net, ()).items()}
    of: Any = jacrev(jacrev(lambda given: loss(functional_call(net, given, (x,)), y)))
    with torch.no_grad():
        blocks = of(weights)
    return torch.cat(
        [blocks[n][n].reshape(each.numel(), -1).diagonal() for n, each in weights.items()]
    )


@pytest.mark.parametrize("outputs", [1, 4])
def test_of_least_squares_it_is_the_hessian(outputs: int) -> None:
    (x, y), net = problem(outputs), layer(3, outputs)
    bench = workbench(x, y)
    h = curvature(net, bench)
    closed = (2 / outputs * x.square().mean(0)).repeat(outputs)  # mse is a mean over values
    torch.testing.assert_close(h, closed, rtol=1e-4, atol=0)
    torch.testing.assert_close(exact(net, x, y, bench.loss), closed)


def test_values_of_other_units_count_as_the_loss_counts_them() -> None:
    (x, y), net, unit = problem(2), layer(3, 2), torch.tensor([0.01, 100.0])

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(outputs / unit, y / unit)

    h = curvature(net, workbench(x, y, loss=loss))
    torch.testing.assert_close(h, exact(net, x, y, loss), rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("loss", "factor"),
    [
        (nn.L1Loss(), 1 / 9),  # Laplace: every gradient is ± 1/K
        (nn.HuberLoss(delta=2.0), 1 / 3),  # ∂² is 1/K near the target, and within √K of it
        (nn.SmoothL1Loss(beta=4.0), 1 / 12),
    ],
)
def test_other_losses_of_values(loss: nn.Module, factor: float) -> None:
    x, y = problem(3)
    h = curvature(layer(3, 3), workbench(x, y, loss=loss))
    torch.testing.assert_close(h, factor * x.square().mean(0).repeat(3), rtol=1e-4, atol=0)


def test_of_softmax_regression_it_is_the_mean_of_p_times_1_minus_p_times_x_squared() -> None:
    (x, _), net = problem(1, 40), layer(3, 5)
    y = torch.arange(40) % 5
    h = curvature(net, workbench(x, y), draws=600)
    p = net(x).softmax(1).detach()
    closed = (p * (1 - p)).T @ x.square() / len(x)
    torch.testing.assert_close(h, closed.flatten(), rtol=0.06, atol=0)
    torch.testing.assert_close(exact(net, x, y, nn.CrossEntropyLoss()), closed.flatten())


def test_a_single_logit_is_logistic_regression() -> None:
    (x, _), net = problem(1, 40), layer(3, 1)
    spec = Spec((3,), "class", 1, ("a", "b"))
    bench = workbench(x, torch.arange(40) % 2, spec=spec)
    p = net(x).sigmoid().detach()
    closed = (p * (1 - p) * x.square()).mean(0)
    torch.testing.assert_close(curvature(net, bench, draws=600), closed, rtol=0.06, atol=0)
    OBD(0.5)(net, bench)


@pytest.mark.parametrize("outputs", [1, 4])
def test_gradients_in_the_outputs_have_mean_0_and_the_curvature_as_covariance(outputs: int) -> None:
    torch.manual_seed(0)
    spec = Spec((3,), "class", outputs, tuple(map(str, range(max(2, outputs)))))
    bench = workbench(torch.zeros(2, 3), torch.arange(2), spec=spec)
    z = torch.randn(1, outputs) * 2
    v = surprise(z.expand(200_000, outputs), bench, torch.Generator().manual_seed(0))
    p = spec.scores(z).softmax(1)[0]
    whole = p.diag() - torch.outer(p, p)
    torch.testing.assert_close(v.mean(0), torch.zeros(outputs), rtol=0, atol=4e-3)
    torch.testing.assert_close(
        v.T @ v / len(v), whole[-outputs:, -outputs:] if outputs == 1 else whole, rtol=0, atol=3e-3
    )


@pytest.fixture(scope="module")
def sure() -> nn.Module:
    """A small net that is right about nearly every training example, and sure of it."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Tanh(), nn.Linear(10, 10))
    return trained(net, 30)


@pytest.mark.slow
def test_saliencies_rank_as_the_exact_hessian_does(sure: nn.Module) -> None:
    x, y, _ = digits()
    bench, weights = workbench(x, y), prunable(sure, ())
    w = torch.cat([each.detach().flatten() for each in weights.values()])
    truth = exact(sure, x, y, bench.loss) * w.square() / 2

    def agreement(found: Tensor) -> float:
        return cast(Any, spearmanr(found.detach(), truth)).statistic

    ours = saliencies(sure, weights, bench, 1, EVERY)
    assert agreement(torch.cat([each.flatten() for each in ours.values()])) > 0.99
    given = {f"{name}.weight": each.detach() for name, each in weights.items()}

    def at(given: Any, x: Tensor, y: Tensor) -> Tensor:
        return bench.loss(functional_call(sure, given, (x[None],)), y[None])

    def row(gradients: dict[str, Tensor]) -> Tensor:
        return torch.cat([each.flatten(1) for each in gradients.values()], 1)

    true_labels = row(vmap(grad(at), in_dims=(None, 0, 0))(given, x, y))
    assert agreement(true_labels.square().mean(0) * w.square()) < 0.99  # the empirical Fisher
    drawn = sure(x).softmax(1).multinomial(1, generator=torch.Generator().manual_seed(0))[:, 0]
    sampled = row(vmap(grad(at), in_dims=(None, 0, 0))(given, x, drawn))
    assert (
        agreement(sampled.mean(0).square() * w.square()) < 0.9
    )  # squared after the mean over the batch


MODELS = {
    "mlp": MLP((1, 8, 8), 10, widths=(12, 8), norm="batch", dropout=0.5),
    "cnn": CNN((1, 8, 8), 10, channels=(3, 4), hidden=8, norm="group", groups=1),
    "resnet": ResNet((1, 8, 8), 10, channels=(3, 4), blocks=1),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("floats", [2**22, 1])
def test_examples_are_taken_one_at_a_time(
    name: str, floats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The squares are of each example's gradient, whatever the chunks and the layers."""
    monkeypatch.setattr(obd, "FLOATS", floats)
    net = deepcopy(MODELS[name]).train()
    x, y, _ = digits()
    with torch.no_grad():
        net(x[:200])  # running statistics that differ from the batch's
    net.eval()
    fixed = torch.linspace(-1, 1, 10)
    monkeypatch.setattr(obd, "surprise", lambda z, *_: fixed.expand_as(z))
    weights, bench = prunable(net, ()), workbench(x[:70], y[:70])
    ours = fisher(net, weights, bench, 1, EVERY)
    for each, weight in weights.items():
        squares = torch.zeros_like(weight)
        for one in x[:70].split(1):
            (g,) = torch.autograd.grad((net(one) * fixed).sum(), weight)
            squares += g.square() / 70
        torch.testing.assert_close(ours[each], squares, rtol=1e-3, atol=1e-6)


def masks(net: nn.Module, bench: Workbench) -> list[Tensor]:
    pruned = OBD(0.8, steps=2)(deepcopy(net), bench)
    return [p == 0 for p in pruned.parameters()]


def test_the_labels_of_the_data_play_no_part_and_the_seed_does() -> None:
    torch.manual_seed(0)
    net = MLP((1, 8, 8), 10, widths=(12,)).eval()
    x, y, _ = digits()
    first = masks(net, workbench(x, y))
    assert all(map(torch.equal, first, masks(net, workbench(x, y))))
    assert all(map(torch.equal, first, masks(net, workbench(x, y.flip(0)))))
    assert not all(map(torch.equal, first, masks(net, workbench(x, y, seed=1))))


def test_the_curvature_is_measured_anew_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net, seen = MLP((1, 8, 8), 10, widths=(12,)).eval(), list[tuple[int, int, int]]()

    def spy(net: nn.Module, weights: Any, bench: Workbench, step: int, examples: int) -> Any:
        zeros = sum(int((w == 0).sum()) for w in weights.values())
        seen.append((step, zeros, examples))
        return fisher(net, weights, bench, step, examples)

    monkeypatch.setattr(obd, "fisher", spy)
    OBD(0.5, steps=3, examples=33)(net, workbench(*digits()[:2]))
    n = 64 * 12 + 120
    expected = [0, *(round(n / 2 * (1 - (1 - k / 3) ** 3)) for k in (1, 2))]
    assert seen == [(k + 1, zeros, 33) for k, zeros in enumerate(expected)]


def test_it_uses_as_many_examples_as_asked() -> None:
    (x, y), net = problem(1), layer(3, 1)
    x[:, 0] = 0
    chosen = next(iter(workbench(x, y).batches(net, 7))).x
    closed = 2 * chosen.square().mean(0)
    torch.testing.assert_close(curvature(net, workbench(x, y), 7), closed, rtol=1e-4, atol=0)


def test_a_large_weight_that_nothing_goes_through_is_what_it_prunes_first() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 2) * torch.tensor([0.01, 1.0])  # the first input hardly varies
    net: Any = nn.Sequential(nn.Linear(2, 1, bias=False)).eval()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[3.0, 1.0]]))
    y = net(x).detach()
    bench = workbench(x, y)
    by_curvature = OBD(0.5, steps=1)(deepcopy(net), bench)
    by_size = Magnitude(0.5)(deepcopy(net), bench)
    assert [p.tolist() for p in by_curvature.parameters()] == [[[0.0, 1.0]]]
    assert [p.tolist() for p in by_size.parameters()] == [[[3.0, 0.0]]]
    assert bench.loss(by_curvature(x), y) < 0.01 * bench.loss(by_size(x), y)
    # The loss rises by what the formula says: it is a parabola here.
    saliency = saliencies(net, prunable(net, ()), bench, 1, EVERY)["0"][0, 0]
    torch.testing.assert_close(bench.loss(by_curvature(x), y), saliency, rtol=1e-4, atol=0)


@pytest.mark.slow
def test_without_fine_tuning_it_loses_less_loss_than_magnitude(sure: nn.Module) -> None:
    x, y, _ = digits()
    bench = workbench(x, y)
    ways = OBD(0.7, epochs=0), Magnitude(0.7, epochs=0, steps=10)
    ours, theirs = (bench.loss(way(deepcopy(sure), bench)(x), y).item() for way in ways)
    assert ours < 0.5 * theirs


def test_examples_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^examples must be at least 1, got 0$"):
        OBD(examples=0)


def test_a_model_that_looks_at_its_batch_is_refused_in_a_line() -> None:
    class Peeking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x) if x.sum() > 0 else self.head(-x)

    x, _ = problem(1)
    bench = workbench(x, torch.arange(50) % 2)
    with pytest.raises(ValueError, match=r"^the model cannot be taken an example at a time: vmap"):
        OBD()(Peeking().eval(), bench)


def test_other_errors_of_a_model_are_its_own() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.calls = nn.Linear(3, 2), 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            if self.calls == 2:  # the first one only looks at the outputs
                raise RuntimeError("out of memory")
            return self.head(x)

    x, _ = problem(1)
    with pytest.raises(RuntimeError, match=r"^out of memory$"):
        OBD()(Broken().eval(), workbench(x, torch.arange(50) % 2))


def test_it_works_where_gradients_are_switched_off() -> None:
    (x, y), net = problem(2), layer(3, 2)
    with torch.no_grad():
        h = curvature(net, workbench(x, y))
    assert torch.equal(h, curvature(net, workbench(x, y)))
    with torch.no_grad():
        assert OBD(0.5, steps=1, epochs=0)(net, workbench(x, y)) is net
