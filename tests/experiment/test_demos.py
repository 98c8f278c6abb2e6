"""Every demonstration shows what its header says."""

from pathlib import Path

import pytest
from conftest import Train
from showing import curve, metrics, rises, shown, status

from seedbed.command import CONFIGS

pytestmark = pytest.mark.slow


def test_schedule(train: Train) -> None:
    constant, *falling = (metrics(e)["train/loss"] for e in shown("schedule", train))
    noise = 0.25  # its variance, below which no model comes
    assert len(falling) == 5
    for loss in falling:
        assert constant - noise > 3 * (loss - noise)


def test_ema(train: Train) -> None:
    raw, averaged = (curve(e, "val/loss") for e in shown("ema", train))
    assert rises(averaged) < rises(raw) / 5
    assert averaged[-1] < raw[-1] - 0.02


def test_batch_size(train: Train) -> None:
    runs = shown("batch_size", train)
    one, some, full = (curve(e, "val/loss") for e in runs)
    assert rises(one) > 1
    assert rises(some) < 0.1
    assert rises(full) == 0
    assert full[-1] > 2
    assert one[-1] > 5 * some[-1]
    assert [curve(e, "step")[-1] for e in runs] == [11490, 360, 10]


def test_clipping(train: Train) -> None:
    exploded, clipped = shown("clipping", train)
    assert status(exploded) == "diverged"
    assert metrics(clipped)["test/acc"] > 0.85


def test_learning_rate(train: Train) -> None:
    small, right, large = (curve(e, "train/loss") for e in shown("learning_rate", train))
    for rate, losses in ((0.01, small), (0.1, right), (1.1, large)):
        factor = (1 - 2 * rate) ** 2  # of (w - 3)² in every step
        assert losses == pytest.approx([9 * factor**step for step in range(30)], rel=2e-3)


def test_init(train: Train) -> None:
    last = {
        e.folder: (metrics(e)["signal/1"], metrics(e)["signal/10"]) for e in shown("init", train)
    }
    uniform, gaussian, lecun, xavier, literal, he, orthogonal = last.values()
    assert he[1] / he[0] == pytest.approx(1, abs=0.3)
    for half in (lecun, xavier):  # ReLU halves the mean square in each of nine layers
        assert half[1] / half[0] == pytest.approx(0.5**4.5, rel=0.5)
    assert orthogonal[1] / orthogonal[0] == pytest.approx(0.5**4.5, rel=0.5)
    assert gaussian[1] / gaussian[0] == pytest.approx((0.01 * 256**0.5) ** 9, rel=0.6)
    assert uniform[1] < 1e-3
    assert literal[1] < 1e-14
    exploding = train(
        *("experiment=demo_init", "init=[gaussian]", "init.gaussian.std=1.0", "logger=csv"),
        "trainer.enable_progress_bar=false",
    )
    values = metrics(exploding)
    assert values["signal/10"] / values["signal/1"] == pytest.approx(16.0**9, rel=0.6)


def test_batch_norm(train: Train) -> None:
    plain, diverged, normed, fast = shown("batch_norm", train)
    assert metrics(plain)["test/acc"] < 0.85
    assert status(diverged) == "diverged"
    assert metrics(normed)["test/acc"] > 0.95
    assert metrics(fast)["test/acc"] > 0.93


def test_dropout(train: Train) -> None:
    without, dropout = (curve(e, "val/loss")[-1] for e in shown("dropout", train))
    assert dropout < without - 0.1


def test_l1(train: Train) -> None:
    without, sparse = map(metrics, shown("l1", train))
    assert without["weight/zeros"] < 0.05
    assert sparse["weight/zeros"] > 0.8


def test_l2(train: Train) -> None:
    without, small = map(metrics, shown("l2", train))
    assert small["weight/norm"] < without["weight/norm"] / 1.8
    assert small["weight/zeros"] < 0.2


def test_label_smoothing(train: Train) -> None:
    sure, modest = map(metrics, shown("label_smoothing", train))
    assert sure["val/confidence"] > sure["val/acc"] + 0.05
    assert modest["val/confidence"] < sure["val/confidence"] - 0.15


def test_early_stopping(train: Train) -> None:
    on, stopped = (curve(e, "val/loss") for e in shown("early_stopping", train))
    assert stopped == pytest.approx(on[: len(stopped)])
    assert len(stopped) == on.index(min(on)) + 1 + 10  # its patience
    assert stopped[-1] < on[-1] - 0.05


def test_every_demonstration_is_tested() -> None:
    files = sorted((CONFIGS / "experiment").glob("demo_*.yaml"))
    assert len(files) >= 19
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_demos*.py"))
    for file in files:
        assert f"def test_{file.stem.removeprefix('demo_')}(" in tests
