"""Kullback-Leibler divergence in closed form."""

from math import log

import pytest
import torch
from option import build

from seedbed.types import Spec

LOGITS = torch.tensor([[0.0, log(3)], [log(4), 0.0]])  # (1, 3) / 4, (4, 1) / 5


def test_by_hand() -> None:
    p = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    expected = (0.5 * log(2) + 0.5 * log(2 / 3) + log(5)) / 2  # 0 · log 0 = 0
    assert build("loss", "kl_div")(LOGITS, p).item() == pytest.approx(expected)


def test_it_is_0_where_prediction_and_target_agree() -> None:
    assert build("loss", "kl_div")(LOGITS, LOGITS.softmax(1)).item() == pytest.approx(0, abs=1e-7)


def test_cross_entropy_is_it_plus_the_target_s_entropy() -> None:
    logits, p = torch.randn(6, 5).double(), torch.rand(6, 5).double().softmax(1)
    entropy = torch.distributions.Categorical(p).entropy().mean().item()
    kl, ce = (build("loss", name)(logits, p).item() for name in ("kl_div", "cross_entropy"))
    assert ce == pytest.approx(kl + entropy, rel=1e-12)
    y = torch.tensor([0, 4, 2, 2, 1, 3])
    kl, ce = (build("loss", name)(logits, y).item() for name in ("kl_div", "cross_entropy"))
    assert kl == pytest.approx(ce, rel=1e-12)


def test_half_precision_targets_and_logits() -> None:
    p = torch.tensor([[0.25, 0.75]], dtype=torch.bfloat16)
    assert build("loss", "kl_div")(torch.zeros(1, 2).half(), p).dtype == torch.float32


def test_values_are_refused() -> None:
    with pytest.raises(ValueError, match="kl_div needs targets that are classes"):
        build("loss", "kl_div").prepare(Spec((1,), "value", 1))
