"""The elastic net by hand, beside its two halves, and beside scikit-learn's."""

from typing import Any

import pytest
import torch
from descend import descended, problem
from penalised import penalty_of, small
from sklearn.linear_model import ElasticNet as Reference
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.regularizer.elastic_net import ElasticNet
from seedbed.regularizer.l1 import L1
from seedbed.regularizer.l2 import L2
from seedbed.types import Spec


def test_value_and_gradient() -> None:
    model = small([[1.0, -2.0], [0.0, 0.5]], bias=[7.0, -7.0])
    penalty = penalty_of(ElasticNet(0.2, l1_ratio=0.25), model)
    assert penalty.item() == pytest.approx(0.2 * (0.25 * 3.5 + 0.75 / 2 * 5.25))
    penalty.backward()
    expected = 0.05 * torch.tensor([[1.0, -1.0], [0.0, 1.0]]) + 0.15 * model.weight.detach()
    torch.testing.assert_close(model.weight.grad, expected)
    assert model.bias.grad is None


def test_the_ends_are_l1_and_l2() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    for ratio, half in ((1.0, L1(0.3)), (0.0, L2(0.3))):
        torch.testing.assert_close(
            penalty_of(ElasticNet(0.3, ratio), model), penalty_of(half, model)
        )


def test_proximal_leaves_the_quadratic_part_its_gradient() -> None:
    model = small([[1.0, -2.0]], bias=[0.0])
    net = ElasticNet(0.4, l1_ratio=0.25, proximal=True)
    penalty = penalty_of(net, model)
    assert penalty.item() == pytest.approx(0.1 * 3 + 0.15 * 5)
    penalty.backward()
    torch.testing.assert_close(model.weight.grad, torch.tensor([[0.3, -0.6]]))
    net.after_step(model, lr=0.5)
    torch.testing.assert_close(model.weight.data, torch.tensor([[0.95, -1.95]]))


@pytest.mark.parametrize(("coef", "ratio"), [(0.4, 0.5), (2.0, 0.8), (1.5, 0.3)])
def test_proximal_descent_ends_at_scikit_learn_s(coef: float, ratio: float) -> None:
    x, y = problem()
    model = descended(ElasticNet(coef, ratio, proximal=True), x, y)
    expected = Reference(alpha=coef / 2, l1_ratio=ratio, tol=1e-14, max_iter=100_000)
    expected.fit(x.numpy(), y.numpy())
    weight = model.weight.detach().flatten()
    torch.testing.assert_close(weight, torch.from_numpy(expected.coef_), rtol=0, atol=1e-10)
    assert ((weight == 0).numpy() == (expected.coef_ == 0)).all()
    assert (weight == 0).any()


@pytest.mark.parametrize("wrong", [{"coef": -1.0}, {"l1_ratio": 1.1}, {"l1_ratio": float("nan")}])
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        ElasticNet(**wrong)


def test_under_weight_norm_proximal_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="proximal steps need plain weights"):
        ElasticNet(proximal=True).prepare(weight_norm(nn.Linear(2, 2)), Spec((2,), "value", 2))
