"""Demonstrations whose numbers are closed forms of their data, and some more on the digits."""

import math
from statistics import fmean

import pytest
import torch
from conftest import Train
from showing import curve, metrics, shown, status

from seedbed.data.synthetic import Synthetic
from seedbed.types import Batch

pytestmark = pytest.mark.slow


def examples(**arguments: object) -> Batch:
    """Return the training split, in double precision."""
    data = Synthetic(**arguments)  # pyright: ignore[reportArgumentType]
    data.setup()
    split = data.splits["train"]
    return Batch(split.x.double(), split.y)


def test_ravine(train: Train) -> None:
    runs = shown("ravine", train)
    descent, momentum, rmsprop, adam = (curve(e, "train/loss") for e in runs)
    data = examples(form="plane", noise=0.0, magnitudes=[3, 0.3])
    x = torch.cat([data.x, torch.ones(len(data.x), 1)], 1)  # (N, 3), 1 for the bias
    steepness, directions = torch.linalg.eigh(2 * x.T @ x / len(x))
    assert steepness.tolist() == pytest.approx([0.18, 2, 18], rel=0.1)
    away = directions.T @ -torch.tensor([0.5 / 3, 1 / 0.3, 1], dtype=torch.float64)
    expected = [
        (steepness / 2 * (away * (1 - 0.1 * steepness) ** step) ** 2).sum().item()
        for step in range(100)
    ]
    assert descent == pytest.approx(expected, rel=2e-3)
    before, followed = away, list[float]()  # the heavy ball: w ← w - η L'(w) + γ (w - w before)
    for _ in range(100):
        followed.append((steepness / 2 * away**2).sum().item())
        step = -0.1 * steepness * away + 0.9 * (away - before)
        away, before = away + step, away
    assert momentum == pytest.approx(followed, rel=2e-3)
    for other in (momentum, rmsprop, adam):
        assert other[-1] < descent[-1] / 200


def test_input_scaling(train: Train) -> None:
    unscaled, length, standard = shown("input_scaling", train)
    assert status(unscaled) == "diverged"
    data = examples(form="plane", noise=0.1, magnitudes=[1e10, 1e-10])
    signs = torch.stack([data.x[:, 0].sign(), torch.ones(len(data.x))], 1).double()
    best = torch.linalg.lstsq(signs, data.y.double()).solution
    left = (signs @ best - data.y).square().mean().item()  # what signs cannot tell
    assert metrics(length)["train/loss"] == pytest.approx(left, rel=0.05)
    assert metrics(standard)["train/loss"] == pytest.approx(0.01, rel=0.2)  # its noise
    words = "scaling=none", "optimizer.lr=1e-21", "init=[gaussian]", "init.gaussian.std=0.0"
    large = train("experiment=demo_input_scaling", "logger=csv", *words)
    without = (
        (data.y - 0.5 * data.x[:, :1] * 1e-10).square().mean().item()
    )  # the large one is right
    assert metrics(large)["train/loss"] == pytest.approx(without, rel=0.02)


def test_class_prior(train: Train) -> None:
    equal, known = (curve(e, "train/loss") for e in shown("class_prior", train))
    shares = [n / 640 for n in examples(shares=[0.9, 0.05, 0.05]).y.bincount().tolist()]
    entropy = -sum(p * math.log(p) for p in shares)
    assert equal[0] == pytest.approx(math.log(3), rel=1e-5)
    assert known[0] == pytest.approx(entropy, rel=1e-5)
    assert entropy == pytest.approx(0.394, abs=0.01)
    assert equal[-1] > known[0]


def test_learning_rate_digits(train: Train) -> None:
    small, right, large = map(metrics, shown("learning_rate_digits", train))
    assert small["val/loss"] > 2.2
    assert right["val/acc"] > 0.94
    assert large["val/loss"] > 2.2
    assert large["val/acc"] < 0.2


def test_optimizers(train: Train) -> None:
    runs = [metrics(e) for e in shown("optimizers", train)]
    sgd, momentum, rmsprop, adam, muon = (m["train/loss"] for m in runs)
    assert sgd > 2
    assert 0.3 < momentum < 0.7
    assert max(rmsprop, adam) < 0.3
    assert muon < 0.05
    assert all(m["val/acc"] > 0.88 for m in runs[1:])


def test_domain_shift(train: Train) -> None:
    before, after = map(metrics, shown("domain_shift", train))
    for found in (before, after):
        assert found["test/acc"] > 0.95
    assert before["test/contrast/acc"] < 0.5
    assert after["test/contrast/acc"] > 0.9


def test_augmentation(train: Train) -> None:
    plain, bent = map(metrics, shown("augmentation", train))
    assert plain["train/loss"] < 0.01  # by heart
    assert bent["train/loss"] > 0.08
    assert bent["val/loss"] < plain["val/loss"] - 0.02


def test_pruning(train: Train) -> None:
    runs = shown("pruning", train)
    points = [metrics(e)["compress/points"] for e in runs]
    assert points == sorted(points, reverse=True)
    assert points[0] > 100 * metrics(runs[0])["test/acc"] - 3  # half of the weights: unnoticed
    assert points[-1] < 30  # a twentieth is left


def test_distillation(train: Train) -> None:
    runs = [metrics(e) for e in shown("distillation", train)]
    alone, taught = (fmean(m["compress/points"] for m in half) for half in (runs[:3], runs[3:]))
    assert taught > alone + 1.5
    assert alone == pytest.approx(100 * fmean(m["test/acc"] for m in runs[:3]), abs=3)
