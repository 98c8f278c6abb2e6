"""The L1 penalty by hand, and its proximal step beside scikit-learn's Lasso."""

import pytest
import torch
from descend import descended, problem
from penalised import penalty_of, small
from sklearn.linear_model import Lasso
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.regularizer.l1 import L1
from seedbed.types import Spec


def test_value_and_gradient() -> None:
    model = small([[1.0, -2.0], [0.0, 0.5]], bias=[7.0, -7.0])
    penalty = penalty_of(L1(0.2), model)
    assert penalty.item() == pytest.approx(0.7)
    penalty.backward()
    torch.testing.assert_close(model.weight.grad, torch.tensor([[0.2, -0.2], [0.0, 0.2]]))
    assert model.bias.grad is None


def test_all_weights_count_and_norm_layers_do_not() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Linear(4, 3))
    for parameter in model.parameters():
        nn.init.constant_(parameter, -0.5)
    assert penalty_of(L1(0.1), model).item() == pytest.approx(0.1 * 0.5 * (6 + 12))


def test_without_a_trainable_weight_there_is_no_penalty() -> None:
    assert penalty_of(L1(0.1), nn.LayerNorm(3)).item() == 0


@pytest.mark.parametrize("coef", [-0.1, float("nan"), float("inf")])
def test_a_coefficient_outside_its_range_is_refused(coef: float) -> None:
    with pytest.raises(ValueError, match="coef must"):
        L1(coef)


def test_a_million_small_weights_add_up_in_half_precision() -> None:
    model = nn.Linear(1024, 1024, bias=False).half()
    nn.init.constant_(model.weight, 0.5)
    assert penalty_of(L1(1.0), model).item() == 2**19  # beyond half precision's 65504


def test_a_proximal_step_by_hand() -> None:
    model = small([[1.0, -2.0], [0.05, -0.05]], bias=[0.01, -0.01])
    L1(0.5, proximal=True).after_step(model, lr=0.2)  # by .1 towards 0
    torch.testing.assert_close(model.weight.data, torch.tensor([[0.9, -1.9], [0.0, 0.0]]))
    torch.testing.assert_close(model.bias.data, torch.tensor([0.01, -0.01]))


def test_without_proximal_the_step_leaves_the_weights_alone() -> None:
    model = small([[1.0, -2.0]], bias=[0.0])
    L1(0.5).after_step(model, lr=0.2)
    assert model.weight.tolist() == [[1, -2]]


def test_a_proximal_penalty_is_measured_and_has_no_gradient() -> None:
    model = small([[1.0, -2.0], [0.0, 0.5]], bias=[7.0, -7.0])
    penalty = penalty_of(L1(0.2, proximal=True), model)
    assert penalty.item() == pytest.approx(0.7)
    assert not penalty.requires_grad


def test_each_weight_moves_at_the_rate_of_its_group() -> None:
    a, b = small([[1.0]], bias=[0.0]), small([[1.0]], bias=[0.0])
    l1 = L1(1.0, proximal=True)
    l1.group_rates = {id(a.weight): 0.25, id(b.weight): 0.5}
    l1.after_step(nn.Sequential(a, b), lr=0.125)
    assert (a.weight.item(), b.weight.item()) == (0.75, 0.5)


def test_under_weight_norm_proximal_steps_are_refused() -> None:
    model, spec = weight_norm(nn.Linear(2, 2)), Spec((2,), "class", 2, ("a", "b"))
    L1().prepare(model, spec)
    with pytest.raises(ValueError, match="proximal steps need plain weights"):
        L1(proximal=True).prepare(model, spec)


@pytest.mark.parametrize("coef", [0.05, 0.7, 2.0])
def test_proximal_descent_ends_at_scikit_learn_s_lasso(coef: float) -> None:
    x, y = problem()
    model = descended(L1(coef, proximal=True), x, y)
    expected = Lasso(alpha=coef / 2, tol=1e-14, max_iter=100_000).fit(x.numpy(), y.numpy())
    weight = model.weight.detach().flatten()
    torch.testing.assert_close(weight, torch.from_numpy(expected.coef_), rtol=0, atol=1e-10)
    assert model.bias.item() == pytest.approx(expected.intercept_, abs=1e-10)
    assert ((weight == 0).numpy() == (expected.coef_ == 0)).all()
    assert (weight == 0).any()
