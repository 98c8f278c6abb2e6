"""Sweep folders, read and compared: groups, the leaderboard, its files, and what is damaged."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY, Train
from written import ended, run, sweep

from seedbed.sweep import board, finished, results
from seedbed.sweep.groups import grouped, label, varied

CLEAR = {
    "optimizer=sgd": (0.50, 0.52, 0.51, 0.53, 0.52),
    "optimizer=adam": (0.10, 0.11, 0.105, 0.112, 0.108),
}


def shown(folder: Path) -> list[str]:
    text = results.conclude(folder)
    assert max(map(len, text.splitlines()[:-1])) <= 110
    return text.splitlines()


def verdict(folder: Path) -> str:
    return finished.compare(finished.read(folder)).verdict


def test_runs_are_grouped_by_everything_but_seed_and_fold() -> None:
    words = ["model=cnn", "optimizer.lr=0.1", "seed=0", "data.seed=3", "data.fold=1"]
    others = ["optimizer.lr=0.1", "model=cnn", "seed=1", "data.seed=4", "data.fold=2"]
    [group] = grouped([ended(words, {"val/loss": 1}), ended(others, {"val/loss": 2})])
    assert len(group.runs) == 2
    assert sorted(group.values("val/loss").values()) == [1, 2]


def test_a_seed_that_ran_twice_counts_once_and_a_failure_does_not_hide_it() -> None:
    runs = [ended(["seed=0"], {"a": 1.0}), ended(["seed=0"], {"a": 2.0})]
    [group] = grouped([*runs, ended(["seed=0"], {}, "failed")])
    assert group.values("a") == {("seed=0",): 2.0}


def test_settings_are_named_by_what_differs() -> None:
    groups = grouped(
        [ended(["data=digits", "optimizer=sgd"], {}), ended(["data=digits", "model=mlp"], {})]
    )
    assert varied(groups) == ["optimizer", "model"]
    assert [label(group, varied(groups)) for group in groups] == ["optimizer=sgd", "model=mlp"]


def test_the_best_comes_first_and_wins_where_it_is_better_by_far(tmp_path: Path) -> None:
    lines = shown(sweep(tmp_path, CLEAR))
    assert lines[1].split()[:2] == ["optimizer", "runs"]
    assert lines[2].startswith("adam       5     0.1070 ± 0.0058  best")
    assert lines[3].startswith("sgd        5     0.516 ± 0.014")
    assert "optimizer=adam wins: every other is worse" in lines[5]


def test_more_of_a_metric_may_be_better(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR, "val/acc")
    (folder / "sweep.yaml").write_text("monitor: {name: val/acc, mode: auto}\njobs: []\n")
    assert shown(folder)[2].startswith("sgd")


def test_settings_that_cannot_be_told_apart_are_marked(tmp_path: Path) -> None:
    close = {"optimizer=sgd": (0.1, 0.2, 0.3), "optimizer=adam": (0.11, 0.25, 0.27)}
    lines = shown(sweep(tmp_path, close))
    assert "≈" in lines[3]
    assert lines[5].startswith("no winner: the other one cannot be told from optimizer=sgd")


def test_one_seed_has_no_interval_and_no_winner(tmp_path: Path) -> None:
    lines = shown(sweep(tmp_path, {"model=cnn": (0.1,), "model=mlp": (9.0,)}))
    assert "±" not in lines[2]
    assert lines[5] == "no winner: one seed tells nothing of chance; add 'seed=range(5)'"


def test_failed_and_diverged_runs_are_told_and_rank_behind(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    run(folder / "7", ["trainer=cpu", "optimizer=adam", "seed=2"], status="diverged", error="NaN")
    lines = shown(folder)
    assert lines[2].startswith("sgd ")
    assert lines[3].startswith("adam       4 of 5")
    assert "optimizer=adam: 1 diverged (NaN)" in lines
    assert lines[5].startswith("no winner")


def test_a_setting_of_which_all_failed_keeps_nobody_from_winning(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    for seed in range(5):
        words = ["trainer=cpu", "optimizer=lion", f"seed={seed}"]
        run(folder / f"1{seed}", words, status="diverged")
    lines = shown(folder)
    assert lines[4].split()[:5] == ["lion", "0", "of", "5", "–"]
    assert lines[6].startswith("optimizer=adam wins")
    assert "optimizer=lion: 5 diverged" in lines


def test_runs_that_are_still_to_come_keep_anybody_from_winning(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    jobs = [
        ["trainer=cpu", f"optimizer={o}", f"seed={s}"] for o in ("sgd", "adam") for s in range(6)
    ]
    record = {"monitor": {"name": "val/loss", "mode": "auto"}, "jobs": jobs}
    (folder / "sweep.yaml").write_text(json.dumps(record))
    lines = shown(folder)
    assert lines[2].startswith("adam       5 of 6")
    assert lines[5] == "no winner: 2 runs have no result yet"
    assert "optimizer=sgd: 1 not run" in lines


def test_many_settings_that_ended_alike_are_one_line(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    jobs = [["trainer=cpu", f"optimizer={o}", "seed=0"] for o in ("lion", "muon", "nadam", "adamw")]
    record = {"monitor": {"name": "val/loss", "mode": "auto"}, "jobs": jobs}
    (folder / "sweep.yaml").write_text(json.dumps(record))
    assert "4 settings, each: 1 not run" in shown(folder)


@pytest.mark.parametrize("content", ['{"val/lo', "[1, 2]", "", "\x00\xff"])
@pytest.mark.parametrize("file", ["metrics.json", "status.json", "diagnosis.json"])
def test_a_damaged_job_costs_a_line_and_nothing_else(
    tmp_path: Path, file: str, content: str
) -> None:
    folder = sweep(tmp_path, CLEAR)
    (folder / "3" / file).write_text(content, encoding="latin-1")
    lines = shown(folder)
    assert f"job 3: {file} is damaged; left out" in lines
    assert lines[2].startswith("adam       5 ")
    assert lines[3].startswith("sgd        4 of 5")


def test_a_job_folder_that_lost_its_words_or_all_of_it_is_named(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    (folder / "3/overrides.txt").unlink()
    (folder / "4/config.yaml").write_bytes(b"\xff\xfe: [")
    lines = shown(folder)
    assert "job 3: overrides.txt is gone; left out" in lines
    assert lines[3].startswith("sgd        4 ")


def test_a_damaged_record_of_the_sweep_costs_a_line(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    (folder / "sweep.yaml").write_text("jobs: [")
    lines = shown(folder)
    assert lines[2].startswith("adam")
    assert lines[-3] == "sweep.yaml is damaged: what it planned is not known"


def test_a_metric_that_no_run_logged_is_named_with_those_there_are(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    (folder / "sweep.yaml").write_text("monitor: {name: val/los, mode: min}\njobs: []\n")
    lines = shown(folder)
    assert "monitor.name=val/los: no run logged it; did you mean 'val/loss'?" in lines[5]
    assert lines[2].split()[:2] == ["sgd", "5"]


def test_an_empty_sweep_and_one_of_failures_are_said_to_be_so(tmp_path: Path) -> None:
    assert results.conclude(tmp_path) == f"{tmp_path}: an empty sweep; no job has begun"
    assert not (tmp_path / "results.csv").exists()
    for seed in range(2):
        run(tmp_path / str(seed), ["optimizer=sgd", f"seed={seed}"], status="failed", error="no")
    lines = shown(tmp_path)
    assert "nothing to compare: no run that ended well has val/loss" in lines
    assert "as it is: 2 failed (no)" in lines


def test_the_same_number_for_every_seed_makes_no_winner(tmp_path: Path) -> None:
    folder = sweep(tmp_path, {"model=cnn": (0.1,) * 5, "model=mlp": (0.2,) * 5})
    assert verdict(folder).startswith("no winner")


def test_the_files_hold_all_numbers(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    shown(folder)
    settings = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert [row["optimizer"] for row in settings] == ["adam", "sgd"]
    assert float(settings[0]["mean"]) == pytest.approx(0.107)
    assert float(settings[1]["difference"]) == pytest.approx(0.409)
    assert [row["winner"] for row in settings] == ["1", "0"]
    runs = list(csv.DictReader((folder / "runs.csv").read_text().splitlines()))
    assert len(runs) == 10
    assert (runs[9]["optimizer"], runs[9]["seed"], runs[9]["val/loss"]) == ("adam", "4", "0.108")
    text = (folder / "results.md").read_text()
    assert "| adam | 5 | 0.1070 ± 0.0058 |  | best |" in text


def test_a_disk_that_takes_nothing_costs_the_files_and_not_the_leaderboard(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    (folder / "results.csv").mkdir()
    lines = shown(folder)
    assert lines[2].startswith("adam")
    assert lines[-1].startswith(f"{folder / 'results.csv'}: cannot be written")


def test_metrics_that_were_asked_for_stand_beside(tmp_path: Path) -> None:
    folder = sweep(tmp_path, CLEAR)
    (folder / "0/config.yaml").write_text("show: [val/loss, val/acc, test/loss]\nmodel: {}\n")
    lines = shown(folder)
    assert lines[1].split()[-4:] == ["val/acc", "test/loss", "time", "doctor"]
    assert "–" in lines[2]  # no run has val/acc


def test_many_settings_are_cut_in_the_terminal_alone(tmp_path: Path) -> None:
    folder = sweep(tmp_path, {f"optimizer.lr={k}e-5": (0.1 + k, 0.2 + k) for k in range(40)})
    lines = shown(folder)
    assert "… and 10 more in results.md" in lines
    assert (folder / "results.md").read_text().count("e-5 |") == 40


def test_long_settings_lose_their_middle() -> None:
    lines = board.aligned([["x" * 80 + "end", "y" * 40], ["a", "b"]])
    assert len(lines[0]) == 100
    assert lines[0].split("  ")[0].endswith("end")
    assert "…" in lines[0]


def test_folds_widen_what_they_know(tmp_path: Path) -> None:
    for fold in range(3):
        run(tmp_path / str(fold), ["data.folds=3", f"data.fold={fold}"], {"val/loss": float(fold)})
    comparison = finished.compare(finished.read(tmp_path))
    assert comparison.overlap == 0.5
    assert comparison.rows[0].interval is not None
    assert comparison.rows[0].interval.half == pytest.approx(4.302653 * (5 / 6) ** 0.5, rel=1e-6)


def test_sweeps_are_read_without_torch(tmp_path: Path) -> None:
    sweep(tmp_path, CLEAR)
    check = (
        "import sys; from pathlib import Path; from seedbed.sweep import results;"
        f"results.conclude(Path({str(tmp_path)!r}));"
        "assert not {'torch', 'lightning', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.slow
def test_a_sweep_ends_with_its_leaderboard(train: Train, tmp_path: Path) -> None:
    ended_ = train("-m", *TINY, "logger=[csv]", "optimizer=sgd,adam", "seed=0,1")
    assert ended_.code == 0
    assert "optimizer  runs  val/loss" in ended_.out
    assert "ranked by the smallest mean val/loss; the test split chooses nothing" in ended_.out
    [folder] = (tmp_path / "logs/sweeps").iterdir()
    assert {"results.csv", "results.md", "runs.csv"} <= {file.name for file in folder.iterdir()}
