"""Early stopping as its options say."""

from pathlib import Path
from typing import Any

import pytest
from option import build
from quick import Batches, Walker, trainer


def epochs(losses: list[float], patience: int, mode: str = "min", min_delta: float = 0.0) -> int:
    """Return how many epochs are trained, with losses for ever as scripted."""
    stop = build(
        "callback",
        "early_stopping",
        monitor="val/loss",
        mode=mode,
        patience=patience,
        min_delta=min_delta,
        verbose=False,
    )
    task = Walker(losses=losses)
    trainer(max_epochs=len(losses), callbacks=[stop]).fit(task, Batches(1), Batches(1))
    return len(task.validated)


def test_it_stops_after_patience_validations_without_improvement() -> None:
    assert epochs([5, 4, 4.5, 4, 4.1, 3, 2], patience=3) == 5
    assert epochs([5, 4, 4.5, 4, 3.9, 4, 4, 4, 0], patience=3) == 8
    assert epochs([5, 6, 1], patience=1) == 2


def test_it_lets_improvement_go_on() -> None:
    assert epochs([5, 4, 3, 2, 1], patience=1) == 5


def test_what_is_large_can_be_good() -> None:
    assert epochs([5, 6, 7, 6, 7, 8], patience=2, mode="max") == 5


def test_a_small_improvement_is_none() -> None:
    assert epochs([5, 4.9, 4.8, 4.7], patience=2, min_delta=0.5) == 3


def test_the_count_survives_a_resume(tmp_path: Path) -> None:
    losses = [5.0, 6, 6, 6, 6, 6]

    def fit(until: int, start: Path | None) -> Walker:
        stop = build("callback", "early_stopping", monitor="val/loss", patience=3)
        runner = trainer(max_epochs=until, callbacks=[stop])
        task = Walker(losses=losses)
        runner.fit(task, Batches(1), Batches(1), ckpt_path=start, weights_only=True)
        runner.save_checkpoint(tmp_path / "last.ckpt")
        return task

    assert len(fit(2, None).validated) == 2  # one without improvement
    assert len(fit(6, tmp_path / "last.ckpt").validated) == 2  # two more


def test_the_default_patience() -> None:
    stop = build("callback", "early_stopping", monitor="val/loss")
    assert stop.patience == pytest.approx(10)


def test_patience_counts_validations_not_epochs() -> None:
    stop = build("callback", "early_stopping", monitor="val/loss", patience=2)
    task = Walker(losses=[5, 6, 6, 6, 6, 6, 6, 6])
    runner = trainer(max_epochs=8, check_val_every_n_epoch=2, callbacks=[stop])
    runner.fit(task, Batches(1), Batches(1))
    assert len(task.trained) == 6  # validated after 2, 4 and 6
    again = build("callback", "early_stopping", monitor="val/loss", patience=3)
    task = Walker(losses=[5] * 8)
    runner = trainer(max_epochs=8, val_check_interval=0.5, callbacks=[again])
    runner.fit(task, Batches(4), Batches(1))
    assert len(task.validated) == 4  # within the second epoch


def test_a_resumed_count_is_held_against_the_patience_of_now(tmp_path: Path) -> None:
    stop = build("callback", "early_stopping", monitor="val/loss", patience=9)
    stop.wait_count = 4
    again = build("callback", "early_stopping", monitor="val/loss", patience=5)
    again.load_state_dict(stop.state_dict())
    assert (again.wait_count, again.patience) == (4, 5)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("patience", -1), ("min_delta", -0.1), ("min_delta", float("nan")), ("mode", "up")],
)
def test_arguments_outside_their_range_are_refused(argument: str, value: Any) -> None:
    given: dict[str, Any] = {"mode": "min"} | {argument: value}
    with pytest.raises(ValueError, match=f"{argument} must"):
        build("callback", "early_stopping", monitor="val/loss", **given)
