"""The list of all runs under a folder: complete, quick, and whole whatever is damaged."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, TINY, Train
from written import run, sweep

from seedbed.sweep import index

COMMAND = ["stages=report", "report.of=logs"]


def test_runs_and_sweeps_are_told_by_what_was_set_and_what_came_of_it(tmp_path: Path) -> None:
    first = run(tmp_path / "b/1", ["optimizer=sgd"], {"test/acc": 0.9, "test/loss": 0.25})
    run(first / "reruns/1", ["stages=test"])  # a part of it
    run(
        tmp_path / "a/2",
        ["++optimizer.lr=9"],
        findings=[("info", "slow"), ("fail", "nan")],
        status="diverged",
        error="NaN",
        started="2026-01-03T00:00:00+00:00",
    )
    sweep(tmp_path / "sweeps/3", {"model=cnn": (0.1, 0.2), "model=mlp": (0.2, 0.4)})
    (tmp_path / "sweeps/3/sweep.yaml").write_text("monitor: {name: val/loss, mode: auto}\n")
    one, many, two = index.entries(tmp_path)
    assert one.cells == (
        *("ok", "2026-01-02 03:04", "b/1", "optimizer=sgd"),
        *("test/acc 0.9000  test/loss 0.2500", "12s", "healthy"),
    )
    assert (two.status, two.words, two.result, two.doctor) == (
        "diverged",
        "optimizer.lr=9",
        "NaN",
        "nan",
    )
    assert (many.status, many.words, many.time) == ("sweep", "model: 4 ok", "48s")
    assert many.result.startswith("model=cnn: val/loss 0.15 ± 0.64 (first, no winner)")
    assert index.text(tmp_path, [one, many, two]).splitlines()[-1] == "1 ok, 1 sweep, 1 diverged"


def test_a_thousand_runs_are_listed_in_seconds_without_torch_and_a_corrupt_one_costs_a_line(
    tmp_path: Path,
) -> None:
    whole = run(tmp_path / "logs/default/0", TINY, {f"test/{k}": 0.5 for k in "abcdefgh"})
    config = (ROOT / "configs/train.yaml").read_text() * 5  # as long as that of a run
    for k in range(1000):
        words = [*TINY, f"optimizer.lr={k}"]
        folder = run(whole.parent / str(k), words, {f"test/{m}": k for m in "abcdefgh"})
        (folder / "config.yaml").write_text(config)
    broken = tmp_path / "logs/default/500"
    for name in ("metrics.json", "status.json", "config.yaml", "diagnosis.json"):
        (broken / name).write_bytes(b"\xff{[")
    check = (
        "import sys; from seedbed import door;"
        f"sys.argv = ['train.py', *{COMMAND!r}]\n"
        "try: door.enter(lambda cfg: {})\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'lightning', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    start = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    took = time.monotonic() - start
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert len(lines) == 1003
    assert sum("is damaged" in line for line in lines) == 1
    assert lines[-1] == "1 damaged, 999 ok"
    assert took < 5


def test_the_page_leads_to_the_reports(tmp_path: Path, train: Train) -> None:
    folder = run(tmp_path / "logs/default/1 &", ["data=<b>"], {"val/loss": 1.0})
    (folder / "report.html").write_text("")
    ended = train(*COMMAND, "report.to=logs/index.html")
    assert ended.code == 0
    text = (tmp_path / "logs/index.html").read_text()
    assert 'href="default/1%20%26/report.html"' in text
    assert "data=&lt;b&gt;" in text
    assert "http" not in text


def test_a_sweep_is_compared_again_where_it_is_named(tmp_path: Path, train: Train) -> None:
    folder = sweep(tmp_path / "logs/sweeps/1", {"model=cnn": (0.1,), "model=mlp": (0.2,)})
    ended = train("stages=report", "report.of=logs/sweeps/1")
    assert "no winner: one seed tells nothing of chance" in ended.out
    assert (folder / "results.csv").is_file()


def test_a_folder_without_runs_says_so_and_nothing_is_written(tmp_path: Path, train: Train) -> None:
    (tmp_path / "logs").mkdir()
    ended = train(*COMMAND)
    assert (ended.code, ended.out) == (0, "logs: no run and no sweep lies there\n")
    assert list(tmp_path.rglob("*")) == [tmp_path / "logs"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report.of=nowhere"], "report.of=nowhere: there is no such folder"),
        (["report.of=.", "seed=1"], "seed=1: report.of is looked at alone; leave it out"),
        (["report.to=a.html"], "report.to=a.html: say what to list, too: report.of=logs"),
        (["report.of=.", "report.to=a"], "report.to=a: the name of an .html file is expected"),
        (["report.of=.", "report.to=b/a.html"], "report.to=b/a.html: there is no folder b"),
        (
            ["report.off=."],
            "report.off=.: there is no key 'off'; did you mean 'of'? there is of, to",
        ),
    ],
)
def test_a_slip_is_one_line(train: Train, words: list[str], says: str) -> None:
    ended = train("stages=report", *words)
    assert ended.code == 2
    assert says in ended.lines()


def test_a_list_beside_a_training_is_refused(train: Train) -> None:
    ended = train(*TINY, "report.of=logs")
    assert ended.code == 2
    assert ended.lines() == [
        "report.of, report.to: they list folders; say stages=report, and nothing else"
    ]
