"""Label smoothing by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.regularizer.label_smoothing import LabelSmoothing
from seedbed.types import Batch, Spec

SPEC = Spec((2,), "class", 4, tuple("abcd"))


def smoothed(epsilon: float, y: Tensor, x: Tensor | None = None) -> Tensor:
    regularizer = LabelSmoothing(epsilon)
    regularizer.prepare(nn.Identity(), SPEC)
    x = torch.zeros(len(y), 2) if x is None else x
    batch = regularizer.on_batch(Batch(x, y))
    assert batch.x is x
    return batch.y


def test_indices() -> None:
    expected = torch.tensor([[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]])
    torch.testing.assert_close(smoothed(0.2, torch.tensor([2, 0])), expected)


def test_probabilities() -> None:
    y = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    torch.testing.assert_close(smoothed(0.2, y), torch.tensor([[0.45, 0.45, 0.05, 0.05]]))


def test_whole_numbers_as_inputs_leave_the_targets_real() -> None:
    tokens = torch.zeros(1, 2, dtype=torch.int64)
    y = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    torch.testing.assert_close(smoothed(0.2, y, tokens), torch.tensor([[0.45, 0.45, 0.05, 0.05]]))
    assert smoothed(0.2, torch.tensor([1]), tokens).dtype == torch.float32


def test_the_loss_is_that_of_torch() -> None:
    logits, y = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 3, 1])
    expected = F.cross_entropy(logits, y, label_smoothing=0.35)
    torch.testing.assert_close(F.cross_entropy(logits, smoothed(0.35, y)), expected)


def test_nothing_is_smoothed_at_0() -> None:
    assert smoothed(0.0, torch.tensor([3])).tolist() == [[0, 0, 0, 1]]


@pytest.mark.parametrize("epsilon", [-0.1, 1.0])
def test_an_epsilon_outside_its_range_is_refused(epsilon: float) -> None:
    with pytest.raises(ValueError, match="epsilon must"):
        LabelSmoothing(epsilon)


def test_targets_that_are_no_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="classes"):
        LabelSmoothing().prepare(nn.Identity(), Spec((2,), "value", 1))
