"""What a run logs: history.csv, TensorBoard, and that both say the same."""

import csv
import json

import pytest
from conftest import TINY, Train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

IMAGES = ["data=digits", "~data.size", "model=cnn", "~model.widths", "data.fraction=0.2"]


def test_tensorboard_holds_curves_rates_norms_images_summary_and_hparams(train: Train) -> None:
    words = [*TINY, *IMAGES, "trainer.max_epochs=2", "trainer.log_every_n_steps=1"]
    ended = train(*words, "param_groups=no_decay")
    assert ended.code == 0, ended.err
    board = EventAccumulator(str(ended.folder / "tensorboard")).Reload()
    tags = board.Tags()
    wanted = {f"{s}/{m}" for s in ("train", "val", "test") for m in ("loss", "acc")}
    wanted |= {"gradient/norm", "gradient/norm_before", "lr/decay", "lr/no_decay"}
    wanted |= {"train/loss_step", "gradient/norm_step"}
    assert wanted <= set(tags["scalars"])
    assert tags["images"] == ["input"]
    assert "model/text_summary" in tags["tensors"]
    picture = board.Images("input")[0]
    assert (picture.width, picture.height) == (80, 20)  # 16 images, each 8 + 2 pixels a side
    with (ended.folder / "history.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/loss"]]
    curve = [event.value for event in board.Scalars("val/loss")]
    assert curve == pytest.approx([float(row["val/loss"]) for row in rows])
    measured = json.loads((ended.folder / "metrics.json").read_text())
    assert board.Scalars("test/acc")[0].value == pytest.approx(measured["test/acc"])
    hparams = board.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    assert b"Adam" in hparams
    assert b"no_decay" in hparams.lower() or b"NoDecay" in hparams


def test_the_rate_in_the_history_is_the_schedule_s(train: Train) -> None:
    words = ["scheduler=exponential", "scheduler.gamma=0.5", "trainer.max_epochs=3"]
    ended = train(*TINY, *words)
    with (ended.folder / "history.csv").open() as file:
        rates = [float(row["lr"]) for row in csv.DictReader(file) if row["val/loss"]]
    assert rates == pytest.approx([1e-3, 0.5e-3, 0.25e-3])  # of the epoch just over


def test_clipping_is_seen_in_the_norms(train: Train) -> None:
    ended = train(*TINY, "callback.gradient_clip.threshold=0.01")
    with (ended.folder / "history.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["val/loss"])
    assert float(row["gradient/norm"]) == pytest.approx(0.01, rel=1e-4)
    assert float(row["gradient/norm_before"]) > 0.01
    assert float(row["gradient/clipped"]) == 1.0


def test_penalties_are_logged_apart_and_only_in_training(train: Train) -> None:
    plain = train(*TINY, "data.batch_size=full", "regularizer=[]")
    with (plain.folder / "history.csv").open() as file:
        before = next(row for row in csv.DictReader(file) if row["val/loss"])
    taxed = train(*TINY, "data.batch_size=full", "regularizer=[l1]", "regularizer.l1.coef=0.1")
    with (taxed.folder / "history.csv").open() as file:
        after = next(row for row in csv.DictReader(file) if row["val/loss"])
    assert float(after["train/l1"]) > 0.1
    assert after["train/loss"] == before["train/loss"]  # the first step's data term is the same
    assert not any(name.endswith("/l1") and not name.startswith("train/") for name in after)


@pytest.mark.parametrize(
    ("logger", "files"),
    [
        ("csv", ["history.csv"]),
        ("tensorboard", ["history.csv", "tensorboard"]),
        ("none", []),
    ],
)
def test_loggers_can_be_chosen_and_history_goes_with_any(
    logger: str, files: list[str], train: Train
) -> None:
    ended = train(*TINY, f"logger={logger}")
    assert ended.code == 0, ended.err
    made = [n for n in ("history.csv", "tensorboard") if (ended.folder / n).exists()]
    assert made == files
