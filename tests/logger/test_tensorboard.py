"""Event files."""

import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from seedbed.logger.tensorboard import TensorBoard


def steps(folder: Path, name: str) -> list[int]:
    board = EventAccumulator(str(folder)).Reload()
    return [each.step for each in board.Scalars(name)] if name in board.Tags()["scalars"] else []


def test_events_are_written_once_a_second_with_the_time_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    log = TensorBoard(str(tmp_path))
    log.log_metrics({"a": 1.0}, step=1)
    begun = time.time()
    assert len(log.waiting) == 1
    now[0] += 1.5
    log.log_metrics({"a": 2.0}, step=2)
    assert not log.waiting
    log.log_metrics({"a": 3.0}, step=3)
    log.finalize("success")
    assert steps(tmp_path, "a") == [1, 2, 3]
    first = EventAccumulator(str(tmp_path)).Reload().Scalars("a")[0]
    assert abs(first.wall_time - begun) < 1
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == 1


def test_a_checkpoint_has_all_before_it_written(tmp_path: Path) -> None:
    log = TensorBoard(str(tmp_path))
    log.log_metrics({"a": 1.0}, step=7)
    log.save()
    log.experiment.flush()
    assert steps(tmp_path, "a") == [7]
