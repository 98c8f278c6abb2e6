"""Weight decay reaches the groups that have none."""

import pytest
import torch
from penalised import small

from seedbed.regularizer.weight_decay import WeightDecay


def test_groups_with_a_weight_decay_of_their_own_keep_it() -> None:
    groups = [{"name": "a"}, {"name": "b", "weight_decay": 0.0}, {"weight_decay": 0.3}]
    WeightDecay(0.1).on_groups(groups)
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0, 0.3]


def test_adamw_decays_by_it_at_zero_gradient() -> None:
    model = small([[1.0, -2.0]], bias=[1.0])
    groups = [{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0.0}]
    WeightDecay(0.5).on_groups(groups)
    optimizer = torch.optim.AdamW(groups, lr=0.1)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model.weight.data, torch.tensor([[0.95, -1.9]]))
    assert model.bias.item() == 1


@pytest.mark.parametrize("coef", [-0.1, float("nan")])
def test_a_coefficient_outside_its_range_is_refused(coef: float) -> None:
    with pytest.raises(ValueError, match="coef must"):
        WeightDecay(coef)
