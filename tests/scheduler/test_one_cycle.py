"""One cycle, against torch's and by hand."""

from math import nan
from typing import Any

import pytest
import torch
from curve import factors, rates
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from seedbed.scheduler.one_cycle import OneCycle


@pytest.mark.parametrize("total", [1, 2, 7, 30, 101])
@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize(("pct_start", "div", "final_div"), [(0.3, 25, 1e4), (0.11, 7, 13)])
def test_it_is_torch_s(total: int, anneal: Any, pct_start: float, div: float, final_div: float):
    groups = [{"params": [nn.Parameter(torch.zeros(1))]} for _ in range(2)]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    reference = OneCycleLR(
        optimizer,
        max_lr=[0.3, 0.02],
        total_steps=total,
        pct_start=pct_start,
        anneal_strategy=anneal,
        cycle_momentum=False,
        div_factor=div,
        final_div_factor=final_div,
    )
    expected = []
    for step in range(total):
        expected.append(reference.get_last_lr())
        optimizer.step()
        if step < total - 1:
            reference.step()
    schedule = OneCycle(pct_start, div, final_div, anneal)
    curve = rates(schedule, total, total=total, per_epoch=5, lrs=[0.3, 0.02])
    for ours, torchs in zip(curve, expected, strict=True):
        assert ours == pytest.approx(torchs, rel=1e-9)


def test_by_hand() -> None:
    curve = factors(OneCycle(0.5, 4, 10, "linear"), 8, total=6, per_epoch=2)
    down = [1 - (1 - 0.025) * k / 3 for k in range(4)]
    assert curve == pytest.approx([0.25, 0.625, *down, 0.025, 0.025])


def test_all_of_it_may_go_up_or_down() -> None:
    assert factors(OneCycle(1.0, 4, anneal="linear"), 5, total=4, per_epoch=2) == pytest.approx(
        [0.25, 0.5, 0.75, 1, 1]
    )
    assert factors(OneCycle(0.0, 2, 1, "linear"), 5, total=4, per_epoch=2) == pytest.approx(
        [0.875, 0.75, 0.625, 0.5, 0.5]
    )
    assert factors(OneCycle(0.25), 1, total=4, per_epoch=2) == [1]  # a way up of one step


@pytest.mark.parametrize(
    "wrong",
    [{"pct_start": 1.1}, {"div_factor": 0.5}, {"final_div_factor": nan}, {"anneal": "sine"}],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        OneCycle(**wrong)
