"""The table of everything that was logged."""

import time
from pathlib import Path

import pytest

from seedbed.logger.csv import CSV, read_rows


def test_rows_are_merged_by_step(tmp_path: Path) -> None:
    log = CSV(str(tmp_path))
    log.log_metrics({"epoch": 1, "train/loss": 0.5}, step=10)
    log.log_metrics({"epoch": 1, "val/loss": 0.25}, step=10)
    log.log_metrics({"epoch": 2, "train/loss": 0.125, "val/loss": 0.0625}, step=20)
    log.finalize("success")
    assert (tmp_path / "history.csv").read_text().splitlines() == [
        "step,epoch,train/loss,val/loss",
        "10,1,0.5,0.25",
        "20,2,0.125,0.0625",
    ]


def test_a_new_scalar_adds_a_column(tmp_path: Path) -> None:
    log = CSV(str(tmp_path))
    log.log_metrics({"epoch": 1, "a": 1.0}, step=1)
    log.log_metrics({"epoch": 1, "b": 2.0}, step=2)
    log.log_metrics({"epoch": 1, "a": 3.0}, step=3)
    log.save()
    log.log_metrics({"epoch": 1, "c": 4.0}, step=4)
    log.save()
    assert (tmp_path / "history.csv").read_text().splitlines() == [
        "step,epoch,a,b,c",
        "1,1,1.0,,",
        "2,1,,2.0,",
        "3,1,3.0,,",
        "4,1,,,4.0",
    ]


def test_a_row_is_written_when_its_step_is_over(tmp_path: Path) -> None:
    log = CSV(str(tmp_path))
    log.log_metrics({"a": 1.0}, step=1)
    assert not log.path.exists()
    log.log_metrics({"a": 2.0}, step=2)
    assert [row["step"] for row in read_rows(log.path)] == ["1"]


def test_rows_are_brought_to_the_disk_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    log = CSV(str(tmp_path))
    for step in range(1, 6):
        log.log_metrics({"a": 1.0}, step=step)
        now[0] += 0.3
    assert [row["step"] for row in read_rows(log.path)] == ["1"]  # a new table is there at once
    log.log_metrics({"a": 1.0}, step=6)  # 1.2 s later
    assert [row["step"] for row in read_rows(log.path)] == ["1", "2", "3", "4", "5"]
    log.log_metrics({"a": 1.0}, step=7)
    log.log_metrics({"b": 1.0}, step=8)  # a column that the rows which wait do not have
    log.save()
    assert [row["step"] for row in read_rows(log.path)] == ["1", "2", "3", "4", "5", "6", "7", "8"]


def test_a_table_that_was_deleted_is_begun_anew(tmp_path: Path) -> None:
    log = CSV(str(tmp_path))
    log.log_metrics({"a": 1.0}, step=1)
    log.save()
    log.path.unlink()
    log.log_metrics({"a": 2.0}, step=2)
    log.save()
    assert read_rows(log.path) == [{"step": "2", "epoch": "", "a": "2.0"}]


def test_a_run_that_goes_on_adds_to_its_table(tmp_path: Path) -> None:
    first = CSV(str(tmp_path / "run"))
    first.log_metrics({"epoch": 1, "b": 1.0, "a": 2.0}, step=1)
    first.finalize("success")
    second = CSV(str(tmp_path / "run"))
    second.log_metrics({"epoch": 2, "a": 3.0}, step=2)
    second.log_metrics({"epoch": 3, "new, with a comma": 4.0}, step=3)
    second.finalize("success")
    assert read_rows(second.path) == [
        {"step": "1", "epoch": "1", "b": "1.0", "a": "2.0", "new, with a comma": ""},
        {"step": "2", "epoch": "2", "b": "", "a": "3.0", "new, with a comma": ""},
        {"step": "3", "epoch": "3", "b": "", "a": "", "new, with a comma": "4.0"},
    ]


def test_a_run_that_goes_on_within_its_last_step_keeps_that_row(tmp_path: Path) -> None:
    first = CSV(str(tmp_path))
    for step in (1, 2, 3):
        first.log_metrics({"epoch": step, "a": step / 2}, step=step)
    first.finalize("success")
    second = CSV(str(tmp_path))
    second.log_metrics({"b": 7.0}, step=2)  # 3 was beyond the checkpoint
    second.log_metrics({"epoch": 3, "a": 9.0}, step=3)
    second.finalize("success")
    assert second.path.read_text().splitlines() == [
        "step,epoch,a,b",
        "1,1,0.5,",
        "2,2,1.0,7.0",
        "3,3,9.0,",
    ]


def test_nothing_logged_is_nothing_written(tmp_path: Path) -> None:
    log = CSV(str(tmp_path))
    log.save()
    log.finalize("failed")
    assert list(tmp_path.iterdir()) == []
    assert read_rows(log.path) == []


def test_a_step_that_goes_on_after_it_was_written_keeps_one_row(tmp_path: Path) -> None:
    log = CSV(str(tmp_path))
    log.log_metrics({"epoch": 1, "train/loss": 0.5}, step=4)
    log.log_metrics({"epoch": 2, "train/loss": 0.25}, step=8)
    log.finalize("success")
    log.log_metrics({"test/loss": 1.5}, step=8)
    log.finalize("success")
    log.finalize("success")
    assert log.path.read_text().splitlines() == [
        "step,epoch,train/loss,test/loss",
        "4,1,0.5,",
        "8,2,0.25,1.5",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]
