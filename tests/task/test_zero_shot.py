"""Unseen classes: masked in training, and balanced against seen ones by a penalty."""

import itertools
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from quick import trainer
from torch import Tensor, nn

from seedbed.data.digits import Digits
from seedbed.loss.auto import Auto
from seedbed.loss.cross_entropy import CrossEntropy
from seedbed.model._codes import Codes
from seedbed.task._generalized import (
    Generalized,
    Outcome,
    Outcomes,
    accuracies,
    best_penalty,
    groups_of,
    harmonic,
)
from seedbed.task.zero_shot import ZeroShot
from seedbed.types import Batch, Spec

SGD = partial(torch.optim.SGD, lr=0.1)
CODES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, 1.0), (1.0, 0.0, 1.0))
SPEC = Spec(
    (3,), "class", 5, tuple("abcde"), (9, 9, 0, 9, 0), codes=CODES, unseen=(4,), coded=True
)  # class c is there for validation only


def task(loss: nn.Module | None = None, spec: Spec = SPEC) -> ZeroShot:
    chosen = loss or Auto()
    if hasattr(chosen, "prepare"):
        chosen.prepare(spec)  # pyright: ignore[reportCallIssue]
    return ZeroShot(model=Codes(spec.codes), loss=chosen, spec=spec, optimizer=SGD)


def test_classes_are_seen_held_for_validation_or_for_the_test() -> None:
    assert groups_of(SPEC) == ((0, 1, 3), (2,), (4,))


def test_training_competes_among_seen_classes_alone() -> None:
    made = task()
    x, y = torch.randn(6, 3), torch.tensor([0, 1, 3, 3, 1, 0])
    scores = made.model(x)
    kept = torch.tensor([0, 1, 3])
    by_hand = F.cross_entropy(scores[:, kept], torch.tensor([0, 1, 2, 2, 1, 0]))
    assert made.train().forward_step(Batch(x, y)).loss.item() == pytest.approx(by_hand.item())
    everything = F.cross_entropy(scores, y).item()
    assert made.eval().forward_step(Batch(x, y)).loss.item() == pytest.approx(everything)
    assert everything > by_hand.item() + 0.1


def test_no_gradient_comes_from_the_score_of_an_unseen_class() -> None:
    made = task().train()
    scores = torch.randn(4, 5, requires_grad=True)
    made.data_term(scores, torch.tensor([0, 1, 3, 3])).backward()
    assert scores.grad is not None
    assert (scores.grad[:, [2, 4]] == 0).all()
    assert (scores.grad[:, [0, 1, 3]] != 0).all()


def test_smoothed_targets_are_spread_over_seen_classes() -> None:
    made = task().train()
    scores, y = torch.randn(2, 5), torch.tensor([0, 3])
    smoothed = 0.9 * F.one_hot(y, 5) + 0.1 / 5
    kept = torch.tensor([0, 1, 3])
    p = smoothed[:, kept] / smoothed[:, kept].sum(1, keepdim=True)
    by_hand = -(p * scores[:, kept].log_softmax(1)).sum(1).mean()
    found = made.data_term(scores, smoothed).item()
    assert found == pytest.approx(by_hand.item(), rel=1e-5)


def outcome(rows: list[tuple[float, int, int, int, int]]) -> Outcome:
    """Return outcomes of `(margin, right among seen, right among unseen, class, unseen)`."""
    margin, a, b, y, u = zip(*rows, strict=True)
    return Outcome(
        torch.tensor(margin, dtype=torch.float64),
        torch.tensor(a).bool(),
        torch.tensor(b).bool(),
        torch.tensor(y),
        torch.tensor(u).bool(),
    )


def test_accuracies_are_means_over_classes_by_hand() -> None:
    found = outcome(
        [
            (3.0, 1, 0, 0, 0),
            (0.5, 1, 0, 0, 0),
            (-1.0, 1, 0, 0, 0),  # taken for an unseen class without a penalty
            (2.0, 1, 0, 1, 0),
            (1.0, 0, 1, 7, 1),
            (-2.0, 0, 1, 7, 1),
            (-3.0, 0, 0, 8, 1),  # another unseen class
        ]
    )
    assert accuracies(found, 0.0) == pytest.approx(((2 / 3 + 1) / 2, (1 / 2 + 0) / 2))
    assert accuracies(found, 1.5) == pytest.approx(((1 / 3 + 1) / 2, (1 + 0) / 2))
    assert accuracies(found, 1.0)[1] == pytest.approx(1 / 4)  # a draw stays with the seen
    assert accuracies(found, 9.0) == pytest.approx((0, 1 / 2))


def test_the_harmonic_mean() -> None:
    assert harmonic(0.8, 0.4) == pytest.approx(8 / 15)
    assert harmonic(0.7, 0.7) == pytest.approx(0.7)
    assert harmonic(1.0, 0.0) == harmonic(0.0, 0.0) == 0


def drawn(seed: int, n: int = 40, ties: bool = False) -> Outcome:
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(6, (n,), generator=generator)
    y[:6] = torch.arange(6)
    margin = torch.randn(n, generator=generator).double() + 1.5
    a, b = (torch.rand(n, generator=generator) < 0.8 for _ in range(2))
    margin = (margin * 2).round() / 2 if ties else margin
    unseen = y >= 4
    return Outcome(margin, a & ~unseen, b & unseen, y, unseen)


@pytest.mark.parametrize("seed", range(6))
def test_the_best_penalty_is_that_of_a_fine_search(seed: int) -> None:
    found = drawn(seed, ties=seed % 2 == 0)
    chosen = harmonic(*accuracies(found, best_penalty(found)))
    searched = max(harmonic(*accuracies(found, k / 40)) for k in range(-160, 240))
    assert chosen >= searched - 1e-9
    order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
    assert best_penalty(Outcome(*(each[order] for each in found))) == best_penalty(found)


def test_a_larger_penalty_only_moves_examples_to_the_unseen() -> None:
    found = drawn(3)
    curve = [accuracies(found, k / 10) for k in range(-30, 60)]
    for (s, u), (later_s, later_u) in itertools.pairwise(curve):
        assert later_s <= s + 1e-12
        assert later_u >= u - 1e-12
    assert curve[0][1] < curve[-1][1]
    assert curve[0][0] > curve[-1][0]


def test_without_anything_to_gain_the_penalty_is_0() -> None:
    assert best_penalty(outcome([(1.0, 1, 0, 0, 0), (-1.0, 0, 1, 5, 1)])) == 0
    assert best_penalty(outcome([(1.0, 1, 0, 0, 0)])) == 0
    assert best_penalty(outcome([(1.0, 1, 0, 0, 0), (2.0, 0, 0, 5, 1)])) == 0


def test_outcomes_by_hand() -> None:
    gathered = Outcomes((0, 1, 3), (4, 2))
    scores = torch.tensor(
        [
            [1.0, 3.0, 9.0, 2.0, 4.0],  # of class 1
            [1.0, 3.0, 9.0, 2.0, 4.0],  # of class 2
            [5.0, 3.0, 0.0, 2.0, 4.0],  # of class 4
        ]
    )
    gathered.update(scores, torch.tensor([1, 2, 4]))
    found = gathered.outcome()
    assert found.margin.tolist() == [-6, -6, 1]
    assert found.right_seen.tolist() == [True, False, False]
    assert found.right_unseen.tolist() == [False, True, True]
    assert found.unseen.tolist() == [False, True, True]
    narrow = Outcomes((0, 1, 3), (4,))
    narrow.update(scores, torch.tensor([1, 2, 4]))
    assert narrow.outcome().y.tolist() == [1, 4]  # class 2 is in neither group


class Trainer:
    world_size = 1

    class strategy:  # noqa: N801
        @staticmethod
        def reduce(x: Tensor, reduce_op: str) -> Tensor:
            return x


def test_a_validation_chooses_the_penalty_that_the_test_uses() -> None:
    spec = SPEC
    logs: Any = Generalized(spec)
    val = torch.tensor([[5.0, 0, 0, 0, 9], [0, 1.0, 0, 0, 9], [0, 3.0, 2.0, 0, 9]])
    logs.count("val", val, torch.tensor([0, 1, 2]), {})  # margins 5, 1 and 1; class e is masked
    logs.end_epoch("val", Trainer())
    assert logs.penalty == pytest.approx(3.0)
    test = torch.tensor([[5.0, 0, 9.0, 0, 0], [0, 2.0, 9.0, 0, 0], [0, 3.0, 9.0, 0, 2.0]])
    logs.count("test", test, torch.tensor([0, 1, 4]), {})  # margins 5, 2 and 1
    values = logs.end_epoch("test", Trainer())
    assert values["test/generalized/seen"] == pytest.approx(0.5)
    assert values["test/generalized/unseen"] == 1
    assert values["test/generalized/harmonic"] == pytest.approx(2 / 3)
    assert values["test/generalized/uncalibrated"] == 0
    assert values["test/unseen/acc"] == 1
    assert logs.penalty == pytest.approx(3.0)  # the test has no say


def test_a_checkpoint_holds_the_penalty() -> None:
    one, other = task(), task()
    one.measures.penalty = 2.5
    other.load_state_dict(one.state_dict())
    assert other.measures.penalty == 2.5
    batch = Batch(torch.randn(4, 3), torch.zeros(4, dtype=torch.int64))
    scores = other.model(batch.x)
    lower = scores - torch.tensor([2.5, 2.5, 0, 2.5, 0])
    torch.testing.assert_close(other.predict_step(batch, 0), lower.softmax(1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"codes": ()}, "no codes"),
        ({"codes": CODES[:3]}, "class d has none"),
        ({"codes": (*CODES[:4], CODES[1])}, "classes b and e have the same"),
        ({"codes": (*CODES[:4], (2.0, 0.0, 0.0))}, r"class e has a number outside \[0, 1\]"),
        ({"unseen": ()}, "no unseen classes"),
        ({"counts": (0, 0, 0, 0, 0)}, "at least 2 classes that it sees"),
        ({"masked": True}, "some are hidden"),
    ],
)
def test_data_that_cannot_teach_is_refused(wrong: dict[str, Any], said: str) -> None:
    spec = Spec(**SPEC.plain() | {"codes": CODES, "coded": False} | wrong)
    with pytest.raises(ValueError, match=said):
        ZeroShot.asks(spec)


def test_weights_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="class_weight"):
        task(CrossEntropy([1.0] * 5))


def test_classes_held_out_for_validation_are_in_no_other_split() -> None:
    data = Digits(unseen=[8, 9], val_unseen=[3])
    data.setup()
    labels = {str(name): set(split.y.tolist()) for name, split in data.splits.items()}
    seen = {0, 1, 2, 4, 5, 6, 7}
    assert labels == {
        "train": seen,
        "val": seen | {3},
        "test": seen | {8, 9},
        "test/seen": seen,
        "test/unseen": {8, 9},
    }
    assert groups_of(data.spec) == (tuple(sorted(seen)), (3,), (8, 9))
    with pytest.raises(ValueError, match="val_unseen and unseen share class 8"):
        Digits(unseen=[8, 9], val_unseen=[8])
    with pytest.raises(ValueError, match="1 would be left"):
        Digits(unseen=[0, 1, 2, 3], val_unseen=[4, 5, 6, 7, 8])


def test_it_learns_and_logs_what_it_says() -> None:
    data = Digits(unseen=[8, 9], val_unseen=[3])
    data.setup()
    spec = ZeroShot.asks(data.spec)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 7), Codes(spec.codes))
    loss = Auto()
    loss.prepare(spec)
    made = ZeroShot(model=model, loss=loss, spec=spec, optimizer=partial(torch.optim.Adam, lr=1e-2))
    runner = trainer(max_epochs=2)
    runner.fit(made, datamodule=data)
    measured = dict(runner.callback_metrics)
    assert {"val/penalty", *made.monitored} <= {*measured}
    runner.test(made, datamodule=data, verbose=False)
    tested = {k: v.item() for k, v in runner.callback_metrics.items()}
    assert tested["test/seen/acc"] > 0.85
    s, u = tested["test/generalized/seen"], tested["test/generalized/unseen"]
    assert tested["test/generalized/harmonic"] == pytest.approx(harmonic(s, u))
    splits: dict[Any, Batch] = dict(data.splits)
    test = splits["test/unseen"]
    with torch.no_grad():
        scores = made.eval().model(test.x)
    among = (scores[:, [8, 9]].argmax(1) + 8 == test.y).float().mean()
    assert tested["test/unseen/acc"] == pytest.approx(among.item())
