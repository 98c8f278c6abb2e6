"""Cross-entropy in closed form."""

from math import log

import pytest
import torch
import torch.nn.functional as F
from option import build
from torch import Tensor

LOGITS = torch.tensor([[0.0, log(2), log(5)], [log(3), log(3), log(3)]])  # (1, 2, 5) / 8, 1 / 3


def loss(logits: Tensor, y: Tensor, label_smoothing: float = 0.0) -> float:
    return build("loss", "cross_entropy", label_smoothing=label_smoothing)(logits, y).item()


def test_by_hand() -> None:
    assert loss(LOGITS, torch.tensor([2, 0])) == pytest.approx((log(8 / 5) + log(3)) / 2)
    assert loss(LOGITS, torch.tensor([0, 1])) == pytest.approx((log(8) + log(3)) / 2)


def test_indices_equal_one_hot_probabilities() -> None:
    y = torch.tensor([1, 2])
    assert loss(LOGITS, F.one_hot(y, 3).float()) == pytest.approx(loss(LOGITS, y))


def test_it_is_divergence_plus_entropy() -> None:
    p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    divergence = F.kl_div(LOGITS.log_softmax(1), p, reduction="batchmean")
    entropy = -(p * p.log()).sum(1).mean()
    assert loss(LOGITS, p) == pytest.approx((divergence + entropy).item())


@pytest.mark.parametrize("classes", [2, 7, 1000])
def test_equal_logits_cost_ln_c(classes: int) -> None:
    assert loss(torch.full((3, classes), 0.3), torch.tensor([0, 1, 1])) == pytest.approx(
        log(classes)
    )


def test_very_wrong_is_expensive_and_finite() -> None:
    assert loss(torch.tensor([[1000.0, 0.0]]), torch.tensor([1])) == 1000


def test_smoothing_mixes_with_the_mean_over_classes() -> None:
    expected = 0.7 * log(8 / 5) + 0.3 * (log(8) + log(4) + log(8 / 5)) / 3
    assert loss(LOGITS[:1], torch.tensor([2]), label_smoothing=0.3) == pytest.approx(expected)
