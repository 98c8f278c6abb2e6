"""Half a cosine at every step."""

from math import cos, inf, pi, sqrt

import pytest
import torch
from curve import factors, rates
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from seedbed.scheduler.cosine import Cosine


def test_by_hand() -> None:
    expected = [1, (2 + sqrt(2)) / 4, 0.5, (2 - sqrt(2)) / 4, 0, 0, 0]
    assert factors(Cosine(), 7, total=4, per_epoch=2) == pytest.approx(expected, abs=1e-15)


def test_it_ends_at_final_and_stays() -> None:
    curve = factors(Cosine(final=0.2), 13, total=6, per_epoch=2)
    assert curve[3] == pytest.approx(0.6)
    assert curve[2] == pytest.approx(0.2 + 0.8 * 0.75)
    assert curve[6:] == pytest.approx([0.2] * 7)


def test_it_is_torch_s_up_to_the_end() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    reference = CosineAnnealingLR(optimizer, T_max=11, eta_min=0.03)
    expected = []
    for _ in range(12):
        expected.append(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
    curve = rates(Cosine(final=0.1), 12, total=11, per_epoch=5, lrs=[0.3])
    assert [rate for (rate,) in curve] == pytest.approx(expected)


def test_after_the_warm_up_it_spans_the_rest() -> None:
    curve = factors(Cosine(warmup=2), 16, total=16, per_epoch=3)
    assert curve[:6] == pytest.approx([step / 6 for step in range(1, 7)])
    assert curve[6:] == pytest.approx([(1 + cos(pi * step / 10)) / 2 for step in range(10)])


def test_a_warm_up_as_long_as_training() -> None:
    assert factors(Cosine(warmup=2), 6, total=4, per_epoch=2) == [0.25, 0.5, 0.75, 1, 0, 0]


def test_training_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an end"):
        factors(Cosine(), 1, total=inf, per_epoch=2)


@pytest.mark.parametrize("final", [-0.1, 1.1])
def test_a_final_factor_outside_its_range_is_refused(final: float) -> None:
    with pytest.raises(ValueError, match="final must"):
        Cosine(final=final)
