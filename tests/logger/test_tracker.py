"""What MLflow and Weights & Biases are told of a run: when, how often, and if nobody answers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seedbed.logger import _tracker
from seedbed.logger._told import Rows, reason
from seedbed.logger._tracker import Tracker


class Store(Tracker):
    """A store that is a list."""

    def __init__(self, folder: Path, **known: str) -> None:
        super().__init__(str(folder), None)
        self.known, self.heard, self.closed = known, [], None
        self.down: Exception | None = None

    def _open(self, known: str | None) -> str:
        if self.down:
            raise self.down
        return known or "new"

    def _send(self, rows: Rows) -> None:
        if self.down:
            raise self.down
        self.heard += [(step, name, value) for step in rows for name, value in rows[step].items()]

    def _close(self, status: str, metrics: Mapping[str, float]) -> None:
        self.closed = (status, dict(metrics))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    now = {"time": 1000.0}
    monkeypatch.setattr(_tracker.time, "monotonic", lambda: now["time"])
    return now


def note(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "loggers.json").read_text())["store"]


def test_steps_are_delivered_every_few_seconds_but_the_newest_two(
    tmp_path: Path, clock: dict[str, float]
) -> None:
    store = Store(tmp_path)
    store.begin({})
    for step in (1, 2, 3):
        store.log_metrics({"a": step / 2}, step)
    assert store.heard == []
    clock["time"] += _tracker.EVERY + 1
    store.log_metrics({"a": 2.0}, 4)
    assert store.heard == [(1, "a", 0.5), (2, "a", 1.0)]
    store.log_metrics({"late": 7.0}, 3)  # read one step later, as on a GPU
    store.save()
    assert store.heard[2:] == [(3, "a", 1.5), (3, "late", 7.0), (4, "a", 2.0)]
    assert note(tmp_path) == {"step": 4, "names": ["a"], "id": "new", "closed": False}


def test_a_step_that_goes_on_after_it_was_told_repeats_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin({})
    store.log_metrics({"epoch": 1, "train/loss": 0.5}, 4)
    store.save()
    store.log_metrics({"epoch": 1, "val/loss": 0.25}, 4)
    store.end("ok", {"val/loss": 0.25})
    assert store.heard == [(4, "epoch", 1), (4, "train/loss", 0.5), (4, "val/loss", 0.25)]
    assert store.closed == ("ok", {"final/val/loss": 0.25})


def test_a_run_that_goes_on_tells_nothing_twice(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first.begin({})
    for step in (1, 2, 3, 4):
        first.log_metrics({"a": step}, step)
    first.save()  # killed here; the checkpoint to go on from is that of step 2
    second = Store(tmp_path)
    second.begin({})
    for step in (3, 4, 5):
        second.log_metrics({"a": step, "b": -step}, step)
    second.end("ok", {})
    assert [*first.heard, *second.heard] == [
        *((step, "a", step) for step in (1, 2, 3, 4)),
        *((4, "b", -4), (5, "a", 5), (5, "b", -5)),
    ]
    assert note(tmp_path)["id"] == "new"


def test_what_the_store_has_lost_or_missed_is_taken_from_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "certain", False)
    first = Store(tmp_path)
    first.begin({})
    first.log_metrics({"a": 1.0}, 1)
    first.end("interrupted", {})
    second = Store(tmp_path)
    second.begin({})
    second.log_metrics({"a": 2.0}, 2)
    second.save()  # killed here, and the store forgets what is not closed
    assert note(tmp_path) == {"step": 1, "names": ["a"], "id": "new", "closed": False}
    (tmp_path / "history.csv").write_text("step,a,b\n1,1.0,\n2,2.0,0.5\n")
    third = Store(tmp_path)
    third.begin({})
    third.log_metrics({"a": 3.0}, 3)
    third.end("ok", {})
    assert third.heard == [(2, "a", 2.0), (2, "b", 0.5), (3, "a", 3.0)]
    assert note(tmp_path)["closed"]


def test_another_store_is_told_all(tmp_path: Path) -> None:
    (tmp_path / "loggers.json").write_text('{"store": {"id": "old", "step": 9, "names": ["a"]}}')
    store = Store(tmp_path)
    store._open = lambda known: "new"
    store.begin({})
    store.log_metrics({"a": 1.0}, 9)
    store.end("ok", {})
    assert store.heard == [(9, "a", 1.0)]


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_damaged_note_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "loggers.json").write_text(text)
    store = Store(tmp_path)
    store.begin({})
    assert note(tmp_path) == {"step": -1, "names": [], "id": "new", "closed": False}


def test_a_store_that_is_down_is_said_once_and_told_later(
    tmp_path: Path, clock: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    store.down = ConnectionError("http://me:secret@host: no route\nand more")
    store.begin({})
    for step in (1, 2, 3):
        clock["time"] += _tracker.PAUSE
        store.log_metrics({"a": step}, step)
        store.save()
    assert capsys.readouterr().err == (
        "logger.store: http://host: no route; training goes on, and history.csv has every number\n"
    )
    store.down = None
    clock["time"] += 10 * _tracker.PAUSE
    store.log_metrics({"a": 4}, 4)
    store.end("ok", {})
    assert store.heard == [(step, "a", step) for step in (1, 2, 3, 4)]
    assert capsys.readouterr().err == ""


def test_what_was_never_told_is_said_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    store.down = TimeoutError()
    store.begin({})
    store.log_metrics({"a": 1.0}, 1)
    store.end("ok", {})
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("logger.store: TimeoutError; training goes on")
    assert said[1:] == ["logger.store: steps that were not delivered: 1; history.csv has them"]
    assert store.closed is None


def test_nothing_begun_is_nothing_told(tmp_path: Path) -> None:
    Store(tmp_path).end("failed", {})
    assert list(tmp_path.iterdir()) == []


def test_a_reason_is_one_line() -> None:
    assert reason(ValueError("a\nb")) == "a"
    assert reason(ValueError(f"{'x' * 500}")) == "x" * 200
