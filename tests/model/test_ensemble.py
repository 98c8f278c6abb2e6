"""Model averaging by hand and by Jensen's inequality."""

from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.model.ensemble import Ensemble
from seedbed.types import Spec

ABC = Spec((4,), "class", 3, ("a", "b", "c"), (5, 5, 5))
PAIR = Spec((4,), "class", 2, ("no", "yes"), (5, 5))
SINGLE = Spec((4,), "class", 1, ("no", "yes"), (5, 5))
VALUES = Spec((4,), "value", 2)


class Loaded(NamedTuple):
    model: nn.Module
    spec: Spec


class Says(nn.Module):
    """Always the same logits."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits.expand(len(x), -1)


def ensemble(spec: Spec, *members: Loaded) -> Ensemble:
    return Ensemble(spec, lambda run: members[int(run)], [str(i) for i in range(len(members))])


def test_probabilities_are_averaged_not_logits() -> None:
    p, q = torch.tensor([0.8, 0.15, 0.05]), torch.tensor([0.1, 0.1, 0.8])
    members = [
        Loaded(Says(*(each.log() + shift).tolist()), ABC) for each, shift in ((p, 3), (q, -50))
    ]
    logits = ensemble(ABC, *members)(torch.zeros(2, 4))
    torch.testing.assert_close(logits.softmax(-1), ((p + q) / 2).expand(2, 3))
    torch.testing.assert_close(logits.logsumexp(-1), torch.zeros(2))  # log-probabilities


def test_values_are_averaged() -> None:
    members = [Loaded(Says(*v), VALUES) for v in ((1.0, 2.0), (4.0, -2.0), (1.0, 3.0))]
    assert ensemble(VALUES, *members)(torch.zeros(1, 4)).tolist() == [[2.0, 1.0]]


@pytest.mark.parametrize("spec", [SINGLE, PAIR])
def test_single_logits_and_pairs_mix(spec: Spec) -> None:
    members = [Loaded(Says(0.0, 1.5), PAIR), Loaded(Says(-2.0), SINGLE)]
    logits = ensemble(spec, *members)(torch.zeros(1, 4))
    assert logits.shape == (1, spec.outputs)
    yes = (torch.tensor(1.5).sigmoid() + torch.tensor(-2.0).sigmoid()) / 2
    torch.testing.assert_close(spec.scores(logits).softmax(-1)[0, 1], yes)


def test_cross_entropy_is_at_most_the_mean_of_the_members() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(40, 4), torch.arange(40) % 3
    members = [Loaded(nn.Linear(4, 3), ABC) for _ in range(3)]
    mean = sum(F.cross_entropy(m.model(x), y).item() for m in members) / 3
    assert F.cross_entropy(ensemble(ABC, *members)(x), y).item() < mean - 1e-3
    alone = F.cross_entropy(ensemble(ABC, members[0])(x), y)
    torch.testing.assert_close(alone, F.cross_entropy(members[0].model(x), y))


def test_certain_members_do_not_underflow() -> None:
    logits = ensemble(ABC, Loaded(Says(0.0, 200.0, 0.0), ABC))(torch.zeros(1, 4))
    assert logits.tolist() == [[-200, 0, -200]]


def test_members_are_frozen_and_stay_in_eval_mode() -> None:
    member = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    model = ensemble(ABC, Loaded(member, ABC)).train()
    assert not any(m.training for m in model.modules())
    assert not any(p.requires_grad for p in model.parameters())
    x = torch.randn(8, 4)
    assert torch.equal(model(x), model(x))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Spec((5,), "class", 3, ("a", "b", "c")), r"shape \(5,\), the data has \(4,\)"),
        (Spec((4,), "value", 3), "predicts a value, the data has a class"),
        (Spec((4,), "class", 3, ("a", "c", "b")), "knows the classes a, c, b, the data has a, b"),
        (Spec((4,), "class", 2, ("a", "b")), "knows the classes a, b, the data has a, b, c"),
    ],
)
def test_members_that_learned_something_else_are_refused(other: Spec, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ensemble(ABC, Loaded(Says(0.0, 0.0, 0.0), ABC), Loaded(Says(0.0, 0.0, 0.0), other))


def test_values_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="predicts 1 values, the data has 2"):
        ensemble(VALUES, Loaded(Says(0.0), Spec((4,), "value", 1)))


def test_none_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one folder"):
        ensemble(ABC)
