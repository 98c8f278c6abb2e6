"""The head's bias from the frequencies of the classes."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seedbed.init.class_prior import ClassPrior
from seedbed.model.cnn import CNN
from seedbed.model.linear import Linear
from seedbed.types import Spec


@pytest.mark.parametrize("counts", [(3, 5, 12), (1, 1), (7, 1000, 2, 40)])
def test_the_first_cross_entropy_is_the_entropy_of_the_classes(counts: tuple[int, ...]) -> None:
    spec = Spec((1, 8, 8), "class", len(counts), tuple(map(str, range(len(counts)))), counts)
    model = CNN(spec.shape, spec.outputs).double()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    ClassPrior()(model, spec)
    y = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    p = torch.tensor(counts, dtype=torch.float64) / sum(counts)
    entropy = -(p * p.log()).sum().item()
    x = torch.randn(len(y), 1, 8, 8, dtype=torch.float64)
    assert F.cross_entropy(model(x), y).item() == pytest.approx(entropy, abs=1e-6)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {"head.weight", "head.bias"}


def test_a_single_logit_gets_the_log_of_the_odds() -> None:
    model = Linear((2,), 1)
    ClassPrior()(model, Spec((2,), "class", 1, ("no", "yes"), (30, 10)))
    torch.testing.assert_close(model(torch.randn(3, 2)).sigmoid(), torch.full((3, 1), 0.25))


@pytest.mark.parametrize(
    ("model", "spec", "words"),
    [
        (Linear((2,), 3), Spec((2,), "value", 3), "needs classes"),
        (
            Linear((2,), 3),
            Spec((2,), "class", 3, tuple("abc"), (1, 0, 4)),
            "no training example of b",
        ),
        (Linear((2,), 3), Spec((2,), "class", 3, tuple("abc")), "no training example of any class"),
        (
            Linear((2,), 2, bias=False),
            Spec((2,), "class", 2, tuple("ab"), (1, 2)),
            "no linear head",
        ),
        (nn.Sequential(), Spec((2,), "class", 2, tuple("ab"), (1, 2)), "no linear head"),
        (
            Linear((2,), 1),
            Spec((2,), "class", 1, tuple("abc"), (1, 2, 3)),
            "1 logits for 3 classes",
        ),
    ],
)
def test_what_has_no_prior_is_refused(model: Any, spec: Spec, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ClassPrior()(model, spec)
