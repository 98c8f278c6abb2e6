"""The turned gradient, its schedule, and a classifier that learns all the same."""

from math import exp, log

import pytest
import torch
import torch.nn.functional as F
from domains import THREE, TWO, step_of
from torch import nn

from seedbed.regularizer.dann import DANN, reversed_gradient
from seedbed.types import Spec


class Small(nn.Module):
    """Four inputs, five features, three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.5))
        self.head = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def dann(spec: Spec = TWO, **given: float) -> DANN:
    torch.manual_seed(0)
    made = DANN(**given)  # pyright: ignore[reportArgumentType] -- hidden is a whole number
    made.prepare(Small(), spec)
    return made


def test_the_gradient_comes_back_turned_round_and_scaled() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    turned = reversed_gradient(x, 0.25)
    assert torch.equal(turned, x)
    (turned * torch.tensor([4.0, 8.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [-1.0, -2.0]


@pytest.mark.parametrize("gamma", [10.0, 2.0])
def test_the_strength_grows_from_nothing_to_one(gamma: float) -> None:
    made = DANN(coef=3.0, gamma=gamma)
    assert made.strength(0.0) == 0
    for p in (0.1, 0.5, 1.0):
        expected = 3 * (1 - exp(-gamma * p)) / (1 + exp(-gamma * p))
        assert made.strength(p) == pytest.approx(expected)
    assert DANN().strength(0.1) == pytest.approx(0.46211715726)  # tanh(½)
    assert DANN().strength(1.0) == pytest.approx(0.9999092)


@pytest.mark.parametrize("progress", [0.0, 0.1, 1.0])
def test_features_are_to_mislead_and_the_classifier_is_to_learn(progress: float) -> None:
    made = dann(coef=2.0)
    z = torch.randn(6, 5, requires_grad=True)
    domain = [0, 1, 0, 1, 0, 1]
    made.penalty(step_of(z, domain, progress=progress)).backward()
    plain = z.detach().clone().requires_grad_()
    parameters = list(made.classifier.parameters())
    loss = F.cross_entropy(made.classifier(plain), torch.tensor(domain))
    (of_features, *of_classifier) = torch.autograd.grad(loss, [plain, *parameters])
    strength = 2 * (2 / (1 + exp(-10 * progress)) - 1)
    torch.testing.assert_close(z.grad, -strength * of_features)
    for parameter, gradient in zip(parameters, of_classifier, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)  # at full strength from the start
        assert gradient.abs().max() > 0


def test_every_domain_counts_the_same() -> None:
    made, z = dann(THREE), torch.randn(7, 5)
    domain = [0, 0, 0, 0, 1, 1, 2]
    each = F.cross_entropy(made.classifier(z), torch.tensor(domain), reduction="none")
    mean = (each[:4].mean() + each[4:6].mean() + each[6]) / 3
    assert made.penalty(step_of(z, domain)).item() == pytest.approx(mean.item())
    absent = (each[:4].mean() + each[6]) / 2
    rest = torch.cat([z[:4], z[6:]])
    penalty = made.penalty(step_of(rest, [0, 0, 0, 0, 2]))
    assert penalty.item() == pytest.approx(absent.item())


def test_who_can_only_guess_pays_the_logarithm() -> None:
    made = dann(THREE)
    for parameter in made.classifier[-1].parameters():
        nn.init.zeros_(parameter)
    assert made.penalty(step_of(torch.randn(3, 5), [0, 1, 2])).item() == pytest.approx(log(3))


def test_making_the_classifier_leaves_the_model_as_it_was() -> None:
    model = Small().train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    made = DANN(hidden=7)
    made.prepare(model, TWO)
    assert [tuple(p.shape) for p in made.parameters()] == [(7, 5), (7,), (2, 7), (2,)]
    assert all(module.training for module in model.modules())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_the_classifier_is_saved() -> None:
    assert set(dann().state_dict()) == {
        f"classifier.{k}.{name}" for k in (0, 2) for name in ("weight", "bias")
    }


@pytest.mark.parametrize("given", [{"coef": -1.0}, {"gamma": 0.0}, {"hidden": 0}])
def test_an_argument_outside_its_range_is_refused(given: dict[str, float]) -> None:
    (name,) = given
    with pytest.raises(ValueError, match=f"{name} must"):
        DANN(**given)  # pyright: ignore[reportArgumentType] -- hidden is a whole number
