"""The metrics of each kind of target by hand."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sklearn.metrics import f1_score, r2_score, roc_auc_score
from torchmetrics.classification import MulticlassAccuracy

from seedbed.task._logs import Logs
from seedbed.task._metrics import metrics_of
from seedbed.types import HIDDEN, Spec, Split

TWO = Spec((1,), "class", 2, ("a", "b"))


def test_accuracy_counts_examples() -> None:
    metrics = metrics_of(Spec((1,), "class", 3, tuple("abc")), "val")
    metrics.update(torch.eye(3)[[0, 0, 1]], torch.tensor([0, 0, 1]))
    metrics.update(torch.eye(3)[[2]], torch.tensor([0]))
    assert metrics.compute()["val/acc"].item() == 0.75


@pytest.mark.parametrize(
    ("spec", "train", "val"),
    [
        (Spec((1,), "class", 3, tuple("abc")), ["acc"], ["acc", "confidence", "f1"]),
        (TWO, ["acc"], ["acc", "auroc", "confidence", "f1"]),
        (
            Spec((1,), "class", 1, ("a", "b")),
            ["acc"],
            ["acc", "auroc", "confidence", "f1"],
        ),  # a single logit
        (Spec((1,), "value", 1), ["mae", "r2", "rmse"], ["mae", "r2", "rmse"]),
    ],
)
def test_what_is_measured(spec: Spec, train: list[str], val: list[str]) -> None:
    wanted: dict[Split, list[str]] = {"train": train, "val": val, "test": val}
    for split, names in wanted.items():
        assert sorted(Logs(spec).names(split)) == sorted(f"{split}/{n}" for n in (*names, "loss"))


def test_confidence_is_the_mean_of_the_largest_probability() -> None:
    metrics = metrics_of(Spec((1,), "class", 2, ("a", "b")), "val")
    metrics.update(torch.tensor([[0.0, math.log(3)], [math.log(9), 0.0]]), torch.tensor([0, 0]))
    metrics.update(torch.zeros(1, 2), torch.tensor([1]))
    assert metrics.compute()["val/confidence"].item() == pytest.approx((0.75 + 0.9 + 0.5) / 3)


def test_f1_is_scikit_learn_s_mean_over_classes() -> None:
    torch.manual_seed(0)
    metrics = metrics_of(Spec((1,), "class", 4, tuple("abcd")), "val")
    logits, y = torch.randn(50, 4), torch.randint(3, (50,))  # class d never occurs
    for part in (slice(0, 7), slice(7, 50)):
        metrics.update(logits[part], y[part])
    expected = f1_score(y, logits.argmax(1), average="macro")
    assert metrics.compute()["val/f1"].item() == pytest.approx(expected)


def auroc(z: torch.Tensor, y: torch.Tensor, size: int = 10) -> float:
    """Return what is measured of the logits (0, z) in batches."""
    metrics = metrics_of(TWO, "test")
    for part in torch.arange(len(y)).split(size):
        metrics.update(torch.stack([torch.zeros_like(z[part]), z[part]], 1), y[part])
    return metrics.compute()["test/auroc"].item()


def test_auroc_is_scikit_learn_s() -> None:
    torch.manual_seed(0)
    y = torch.randint(2, (95,))
    z = torch.randn(95) + 0.8 * y
    assert auroc(z, y) == pytest.approx(roc_auc_score(y, z))
    tied = (2 * z).round()
    assert auroc(tied, y) == pytest.approx(roc_auc_score(y, tied))
    assert auroc(z.sigmoid(), y) == pytest.approx(roc_auc_score(y, z))  # batches within [0, 1]
    assert auroc(40 + z, y) == pytest.approx(roc_auc_score(y, 40 + z))  # where σ is 1
    mixed = torch.where(torch.arange(95) < 10, z.sigmoid(), 9 * z)
    assert auroc(mixed, y) == pytest.approx(roc_auc_score(y, mixed))  # one batch within [0, 1]


def test_auroc_by_hand() -> None:
    # Pairs (low, high): .1 < .4, .1 < .9, .4 = .4 counts half, .4 < .9
    z = torch.tensor([0.1, 0.4, 0.4, 0.9])
    assert auroc(z, torch.tensor([0, 0, 1, 1])) == 3.5 / 4
    assert auroc(-z, torch.tensor([0, 0, 1, 1])) == 0.5 / 4


def test_auroc_of_one_class_is_undefined() -> None:
    assert math.isnan(auroc(torch.randn(5), torch.ones(5).long()))


def test_r2_of_one_example_is_undefined_and_of_two_is_not() -> None:
    metrics = metrics_of(Spec((1,), "value", 1), "val")
    metrics.update(torch.tensor([[1.0]]), torch.tensor([[1.0]]))
    assert math.isnan(metrics.compute()["val/r2"])
    metrics.reset()
    for value in (1.0, 3.0):  # one example a batch
        metrics.update(torch.tensor([[value + 0.5]]), torch.tensor([[value]]))
    assert metrics.compute()["val/r2"].item() == pytest.approx(1 - 0.5 / 2)


@pytest.mark.parametrize("outputs", [1, 3])
def test_r2_is_scikit_learn_s_even_far_from_0(outputs: int) -> None:
    torch.manual_seed(0)
    y = 10_000 + torch.randn(200, outputs)
    predicted = y + 0.3 * torch.randn(200, outputs)
    metrics = metrics_of(Spec((1,), "value", outputs), "val")
    for part in torch.arange(200).split(32):
        metrics.update(predicted[part], y[part])
    expected = r2_score(y.double(), predicted.double())
    assert metrics.compute()["val/r2"].item() == pytest.approx(expected, rel=1e-6)


def test_measuring_starts_anew_after_a_reset() -> None:
    for spec in (TWO, Spec((1,), "value", 2)):
        metrics = metrics_of(spec, "val")
        y = torch.tensor([0, 1, 1, 0]) if spec.kind == "class" else torch.randn(4, 2)
        x = torch.randn(4, 2)
        metrics.update(x, y)
        first = {k: float(v) for k, v in metrics.compute().items()}
        metrics.reset()
        metrics.update(x, y)
        assert {k: float(v) for k, v in metrics.compute().items()} == first


def test_errors_of_values() -> None:
    metrics = metrics_of(Spec((1,), "value", 1), "test")
    metrics.update(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [4.0]]))
    metrics.update(torch.tensor([[3.0]]), torch.tensor([[4.0]]))
    measured = {k: float(v) for k, v in metrics.compute().items()}
    # errors 0, 2, 1; targets 1, 4, 4 with Σ(y - 3)² = 6
    assert measured == pytest.approx(
        {"test/mae": 1.0, "test/rmse": (5 / 3) ** 0.5, "test/r2": 1 - 5 / 6}
    )


def test_errors_of_several_values_are_averaged() -> None:
    metrics = metrics_of(Spec((1,), "value", 2), "test")
    metrics.update(
        torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 30.0]]),
        torch.tensor([[1.0, 13.0], [2.0, 20.0], [4.0, 27.0]]),
    )
    measured: dict[str, torch.Tensor] = metrics.compute()
    assert measured["test/rmse"].item() == pytest.approx((18 / 6) ** 0.5)
    assert measured["test/mae"].item() == pytest.approx(1.0)
    assert measured["test/r2"].item() == pytest.approx((1 + 1 - 18 / 98) / 2)


def test_errors_that_agree_in_the_first_batch_are_measured_apart() -> None:
    metrics = metrics_of(Spec((1,), "value", 1), "val")
    metrics.update(torch.tensor([[1.0], [0.0]]), torch.zeros(2, 1))  # |e| = e²
    metrics.update(torch.tensor([[3.0], [2.0]]), torch.zeros(2, 1))
    measured = metrics.compute()
    assert measured["val/mae"].item() == 6 / 4
    assert measured["val/rmse"].item() == math.sqrt(14 / 4)


def test_sums_of_many_numbers_keep_their_digits() -> None:
    metrics = metrics_of(Spec((1,), "value", 1), "val")
    metrics.update(torch.tensor([[2.0**24]]), torch.zeros(1, 1))
    for _ in range(3):
        metrics.update(torch.tensor([[1.0]]), torch.zeros(1, 1))  # lost in single precision
    assert metrics.compute()["val/mae"].item() == (2**24 + 3) / 4


def test_the_area_under_the_curve_of_many_examples_is_exact() -> None:
    torch.manual_seed(1)
    z, y = torch.randn(20_000), torch.randint(2, (20_000,))  # its ranks add up to 2e8
    assert auroc(z, y, 999) == pytest.approx(roc_auc_score(y, z), rel=1e-12)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("split", ["train", "val"])
def test_accuracy_is_torchmetrics(split: str, hidden: bool) -> None:
    torch.manual_seed(3)
    classes = tuple("abcde")
    ours = Logs(Spec((1,), "class", 5, classes, masked=hidden and split == "train"))
    theirs = MulticlassAccuracy(5, average="micro", ignore_index=HIDDEN)
    for size in (1, 7, 40):
        scores, y = torch.randn(size, 5).round(), torch.randint(5, (size,))  # with ties
        if ours.spec.masked:
            y[::3] = HIDDEN
        ours.count(split, scores, y, {"loss": torch.zeros(())})
        theirs.update(scores, y)
    trainer: Any = SimpleNamespace(strategy=SimpleNamespace(reduce=lambda sums, reduce_op: sums))
    measured = ours.end_epoch(split, trainer)
    assert set(measured) == set(ours.names(split))
    assert measured[f"{split}/acc"] == pytest.approx(theirs.compute().item(), abs=1e-7)
