"""Each domain is normalised as if it were alone, in training and in evaluation."""

import copy
from typing import Any

import pytest
import torch
from domains import THREE, TWO
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from seedbed.model.cnn import CNN
from seedbed.model.inception import Inception
from seedbed.model.resnet import ResNet
from seedbed.regularizer.adabn import AdaBN
from seedbed.types import Batch, Spec

IMAGES = Spec((1, 8, 8), "class", 3, tuple("abc"), domains=("near", "far"))


def adabn(model: nn.Module, spec: Spec = IMAGES) -> AdaBN:
    made = AdaBN()
    made.prepare(model, spec)
    return made


def batch(domain: list[int]) -> Batch:
    torch.manual_seed(len(domain))
    place = torch.tensor(domain)
    x = torch.randn(len(domain), 1, 8, 8) * (1 + place).view(-1, 1, 1, 1) + 3 * place.view(
        -1, 1, 1, 1
    )
    return Batch(x, torch.zeros(len(domain), dtype=torch.int64), place)


def net(kind: str = "cnn") -> nn.Module:
    torch.manual_seed(0)
    if kind == "cnn":
        return CNN((1, 8, 8), 3, channels=[4], hidden=6, norm="batch")
    if kind == "resnet":
        return ResNet((1, 8, 8), 3, channels=[4, 6], blocks=1)
    return Inception((1, 8, 8), 3, stem=4, widths=[16], norm="batch")


def running(model: nn.Module) -> list[torch.Tensor]:
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    return [t for m in norms for t in (m.running_mean, m.running_var) if t is not None]


@pytest.mark.parametrize("kind", ["cnn", "resnet", "inception"])
def test_a_mixed_batch_is_two_separate_ones(kind: str) -> None:
    """Outputs, gradients and statistics are those of each domain's examples in a net of its own."""
    model, mixed = net(kind), batch([0, 1, 1, 0, 1, 0, 1])
    alone = [copy.deepcopy(model), copy.deepcopy(model)]
    made = adabn(model)
    with made.during(mixed):
        out = model(mixed.x)
    out.square().sum().backward()
    for place in (0, 1):
        chosen = mixed.domain == place
        own = alone[place](mixed.x[chosen])
        torch.testing.assert_close(out[chosen], own, rtol=1e-4, atol=1e-5)
        own.square().sum().backward()
    for ours, *others in zip(*(m.parameters() for m in (model, *alone)), strict=True):
        assert ours.grad is not None
        expected = sum(o.grad for o in others if o.grad is not None)
        torch.testing.assert_close(ours.grad, expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(running(model), running(alone[1]))  # the target's are its own
    torch.testing.assert_close(running(made), running(alone[0]))
    counts = [
        m.num_batches_tracked
        for m in (*model.modules(), *made.modules())
        if isinstance(m, _BatchNorm)
    ]
    assert all(count == 1 for count in counts)


@pytest.mark.parametrize("momentum", [0.1, 1.0, None])
def test_running_statistics_follow_at_the_layer_s_own_momentum(momentum: float | None) -> None:
    norm = nn.BatchNorm1d(4, momentum=momentum)
    alone = copy.deepcopy(norm)
    made = adabn(norm, TWO)
    for seed in range(3):
        torch.manual_seed(seed)
        x, domain = torch.randn(9, 4) + 5, torch.tensor([0, 1, 1] * 3)
        with made.during(Batch(x, domain, domain)):
            norm(x)
        alone(x[domain == 1])
    torch.testing.assert_close(norm.running_mean, alone.running_mean)
    torch.testing.assert_close(norm.running_var, alone.running_var)
    assert norm.num_batches_tracked == 3


def test_evaluation_is_by_the_statistics_of_each_example_s_domain() -> None:
    norm: Any = nn.BatchNorm1d(1, eps=0.0)
    made = adabn(norm, THREE)
    keepers: Any = made.others[0]
    near, far = keepers
    for keeper, mean, var in ((near, 1.0, 4.0), (far, 2.0, 9.0), (norm, 3.0, 16.0)):
        keeper.running_mean.fill_(mean)
        keeper.running_var.fill_(var)
    nn.init.constant_(norm.weight, 2.0)
    nn.init.constant_(norm.bias, 0.5)
    norm.eval()
    x, domain = torch.full((3, 1), 5.0), torch.tensor([2, 0, 1])
    with made.during(Batch(x, domain, domain)):
        by_domain = norm(x).flatten().tolist()
    assert by_domain == pytest.approx([2 * 2 / 4 + 0.5, 2 * 4 / 2 + 0.5, 2 * 3 / 3 + 0.5])
    assert norm(x).flatten().tolist() == [1.5] * 3  # nobody says what it is: the target
    with made.during(Batch(x, domain)):
        assert norm(x).flatten().tolist() == [1.5] * 3
    assert near.running_mean.item() == 1
    assert norm.running_mean.item() == 3


def test_hidden_targets_have_no_say_in_the_weights() -> None:
    """The gradient of the known is the same whatever the examples of the other domain are."""
    model, mixed = net(), batch([0, 1, 0, 1, 0, 1])
    made, gradients = adabn(model), []
    for other in (mixed.x, mixed.x.flip(0) * 7):
        x = torch.where((mixed.domain == 0).view(-1, 1, 1, 1), mixed.x, other)
        model.zero_grad()
        with made.during(mixed._replace(x=x)):
            model(x)[::2].square().sum().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    torch.testing.assert_close(*gradients)


def test_an_absent_domain_keeps_its_statistics_and_a_lone_example_is_finite() -> None:
    model = net()
    made = adabn(model)
    for domain in ([0, 0, 0], [0, 0, 1]):
        before = [s.clone() for s in running(model)]
        here = batch(domain)
        with made.during(here):
            out = model(here.x)
        assert out.isfinite().all()
        out.sum().backward()
        if 1 not in domain:
            assert all(map(torch.equal, running(model), before))
    assert all(s.isfinite().all() for s in running(model))
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_outside_of_a_step_the_model_is_as_it_was() -> None:
    model, here = net(), batch([0, 1, 0, 1])
    made = adabn(model)
    keys = set(model.state_dict())
    with pytest.raises(RuntimeError, match="halfway"), made.during(here):
        raise RuntimeError("halfway")
    assert all("forward" not in vars(m) for m in model.modules())
    assert set(model.state_dict()) == keys
    assert len(made.state_dict()) == 2 * 3  # for two layers: mean, variance, count
    assert not list(made.parameters())


def test_mixed_precision_measures_as_exactly() -> None:
    x, domain = torch.randn(32, 4) * 3 + 20, torch.tensor([0, 1] * 16)
    found = []
    for on in (False, True):
        norm = nn.BatchNorm1d(4)
        made = adabn(norm, TWO)
        with (
            torch.autocast("cpu", torch.bfloat16, enabled=on),
            made.during(Batch(x, domain, domain)),
        ):
            found.append((norm(x), norm.running_mean, norm.running_var))
    torch.testing.assert_close(*found)


def test_half_precision_keeps_its_type() -> None:
    model, here = net().bfloat16(), batch([0, 1, 0, 1])
    made = adabn(model)
    with made.during(here):
        assert model(here.x.bfloat16()).dtype == torch.bfloat16


def test_a_model_without_batch_norm_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs a model with batch norm.*model\.norm=batch"):
        adabn(CNN((1, 8, 8), 3, channels=[4], hidden=6))
