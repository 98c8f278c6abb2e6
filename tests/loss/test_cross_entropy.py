"""Cross-entropy in closed form."""

from math import log
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from option import build
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from seedbed.types import Spec

LOGITS = torch.tensor([[0.0, log(2), log(5)], [log(3), log(3), log(3)]])  # (1, 2, 5) / 8, 1 / 3


def loss(logits: Tensor, y: Tensor, **options: Any) -> float:
    return build("loss", "cross_entropy", **options)(logits, y).item()


def spec(*counts: int) -> Spec:
    return Spec((2,), "class", len(counts), tuple("abcdefg"[: len(counts)]), counts)


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


WEIGHT = [0.5, 3.0, 1.7]
WEIGHTED = (1.7 * log(8 / 5) + 0.5 * log(3)) / (1.7 + 0.5)  # of classes 2 and 0


def test_weights_by_hand() -> None:
    y = torch.tensor([2, 0])
    assert loss(LOGITS, y, class_weight=WEIGHT) == pytest.approx(WEIGHTED)
    assert loss(LOGITS, F.one_hot(y, 3).float(), class_weight=WEIGHT) == pytest.approx(WEIGHTED)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_indices_and_one_hot_rows_weigh_alike(smoothing: float) -> None:
    logits, y = torch.randn(9, 3), torch.arange(9) % 3
    soft = F.one_hot(y, 3).double()
    options = {"class_weight": WEIGHT, "label_smoothing": smoothing}
    assert loss(logits, soft, **options) == pytest.approx(loss(logits, y, **options), rel=1e-6)


def test_weights_of_probabilities_by_the_formula() -> None:
    logits, p = torch.randn(7, 3).double(), torch.rand(7, 3).double().softmax(1)
    w = torch.tensor(WEIGHT, dtype=torch.float64)
    q = logits.softmax(1)
    expected = (w * p * -q.log()).sum() / (w * p).sum()
    assert loss(logits, p, class_weight=WEIGHT) == pytest.approx(expected.item(), rel=1e-12)
    mild = 0.8 * p + 0.2 / 3
    expected = (w * mild * -q.log()).sum() / (w * mild).sum()
    measured = loss(logits, p, class_weight=WEIGHT, label_smoothing=0.2)
    assert measured == pytest.approx(expected.item(), rel=1e-12)


def test_with_weights_mixed_targets_cost_no_more_than_their_parts() -> None:
    # Two examples of classes 0 and 1, blended half and half, at equal logits: every way costs ln 2.
    p = torch.full((4, 2), 0.5)
    assert loss(torch.zeros(4, 2), p, class_weight=[1.0, 9.0]) == pytest.approx(log(2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_weights_are_exact_in_every_type(dtype: torch.dtype) -> None:
    made = build("loss", "cross_entropy", class_weight=[0.1, 0.3, 0.7]).to(dtype)
    logits = torch.tensor([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]], dtype=dtype)  # exact in all of them
    costs = -logits.double().log_softmax(1)
    expected = (0.7 * costs[0, 2] + 0.1 * costs[1, 0]) / 0.8
    measured = made(logits, torch.tensor([2, 0]))
    assert measured.item() == pytest.approx(expected.item(), rel=1e-7)
    assert measured.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    made = build("loss", "cross_entropy", class_weight="balanced")
    made.prepare(spec(5, 1, 14))
    y = np.repeat([0, 1, 2], [5, 1, 14])
    expected = torch.from_numpy(compute_class_weight("balanced", classes=np.arange(3), y=y))
    assert torch.equal(made.weights(torch.zeros(1).double()), expected)
    logits = torch.randn(20, 3).double()
    per_example = F.cross_entropy(logits, torch.from_numpy(y), reduction="none")
    means = [per_example[torch.from_numpy(y) == c].mean().item() for c in range(3)]
    measured = made(logits, torch.from_numpy(y)).item()
    assert measured == pytest.approx(sum(means) / 3)  # every class counts alike


def test_validation_first_leaves_weights_that_can_be_trained_with() -> None:
    made = build("loss", "cross_entropy", class_weight=WEIGHT)
    with torch.inference_mode():
        made(LOGITS, torch.tensor([0, 1]))
    logits = LOGITS.clone().requires_grad_()
    made(logits, torch.tensor([0, 1])).backward()
    assert logits.grad is not None
    assert not made.state_dict()


def test_a_batch_of_weightless_classes_costs_nothing() -> None:
    logits = LOGITS.clone().requires_grad_()
    cost = build("loss", "cross_entropy", class_weight=[0.0, 0.0, 1.0])(
        logits, torch.tensor([0, 1])
    )
    cost.backward()
    assert cost.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_gradients_are_right() -> None:
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    made = build("loss", "cross_entropy", class_weight=WEIGHT, label_smoothing=0.1)
    for y in (torch.tensor([0, 1, 2, 2]), torch.rand(4, 3).double().softmax(1)):
        assert torch.autograd.gradcheck(lambda z, y=y: made(z, y), logits)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"class_weight": [1.0, -1.0]}, "class_weight must be at least 0"),
        ({"class_weight": [1.0, float("nan")]}, "class_weight must be at least 0"),
        ({"class_weight": [float("inf"), 1.0]}, "class_weight must be at least 0"),
        ({"class_weight": [0, 0]}, "not all 0"),
        ({"class_weight": []}, "not all 0"),
        ({"class_weight": "balance"}, "class_weight must be null, balanced or a list"),
        ({"label_smoothing": 1.0}, "label_smoothing must lie in"),
        ({"label_smoothing": float("nan")}, "label_smoothing must lie in"),
    ],
)
def test_arguments_outside_their_range_are_refused(options: dict[str, Any], says: str) -> None:
    for name in ("cross_entropy", "binary_cross_entropy", "auto"):
        with pytest.raises(ValueError, match=says):
            build("loss", name, **options)


@pytest.mark.parametrize(
    ("weight", "data", "says"),
    [
        ([1.0, 2.0], spec(3, 3, 3), "has 2 numbers, the data 3 classes"),
        ("balanced", spec(3, 0, 3), "no training examples of b"),
        ("balanced", Spec((2,), "class", 2, ("a", "b")), "does not count"),
        (None, Spec((2,), "value", 1), "needs targets that are classes"),
    ],
)
def test_weights_that_do_not_fit_the_data_are_refused(weight: Any, data: Spec, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build("loss", "cross_entropy", class_weight=weight).prepare(data)
