"""What every choice of parameter groups promises."""

import pytest
import torch
from option import build, names
from torch import nn


def network() -> nn.Module:
    tied = nn.Linear(4, 4)
    tied.weight.requires_grad_(False)
    again = nn.Linear(4, 4)
    again.weight = tied.weight
    return nn.Sequential(
        nn.Embedding(9, 4), nn.Bilinear(4, 4, 2), nn.GRU(4, 3), tied, again, nn.LayerNorm(4)
    )


@pytest.mark.parametrize("name", names("param_groups"))
def test_every_parameter_is_in_exactly_one_group(name: str) -> None:
    model = network()
    groups = build("param_groups", name)(model)
    grouped = [id(p) for group in groups for p in group["params"]]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(p) for p in model.parameters()}
    assert all(group["params"] for group in groups)


@pytest.mark.parametrize("name", names("param_groups"))
def test_groups_have_names_of_their_own(name: str) -> None:
    groups = build("param_groups", name)(network())
    assert len({group["name"] for group in groups}) == len(groups)
    torch.optim.AdamW(groups, lr=0.1)  # takes them
