"""Real searches: bad trials are stopped, a killed search goes on as if nothing had been."""

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from same import differences
from start import alive, start, status
from sweeping import SHORT, by, sweep_in, wait_for

from seedbed import config, door

pytest.importorskip("optuna", reason="needs optuna: pip install 'seedbed[optuna]'")
pytestmark = pytest.mark.slow

LR = "optimizer.lr=tag(log,interval(1e-5,1))"
SEARCH = ["-m", "sweep=optuna", *SHORT, "stages=fit", "logger=[csv]", "trainer.max_epochs=6", LR]
PRUNED = [*SEARCH, "sweep.trials=12", "sweep.pruner=median"]


def search(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `train.py` to its end and keep what it prints."""
    return subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *words],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def jobs_of(folder: Path) -> list[Path]:
    found = [f for f in (folder / sweep_in(folder)).iterdir() if f.name.isdecimal()]
    return sorted(found, key=lambda f: int(f.name))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A search that was never interrupted, and what it printed."""
    folder = tmp_path_factory.mktemp("whole")
    done = search(folder, *PRUNED)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_bad_trials_are_stopped_early_and_the_best_never(whole: tuple[Path, str]) -> None:
    folder, _ = whole
    jobs = jobs_of(folder)
    assert len(jobs) == 12
    stands = [status(job)["status"] for job in jobs]
    assert set(stands) <= {"ok", "pruned", "diverged"}
    assert stands[:5] == ["ok"] * 5  # the median of five is what others are held against
    assert 2 <= stands.count("pruned") <= 6
    for job, how in zip(jobs, stands, strict=True):
        epochs = (job / "history.csv").read_text().count("\n") - 1
        full = (jobs[0] / "history.csv").read_text().count("\n") - 1
        assert (epochs < full) == (how == "pruned")
        assert (job / "metrics.json").exists() == (how == "ok")


def test_its_last_line_is_a_command_that_the_gate_lets_through(whole: tuple[Path, str]) -> None:
    folder, printed = whole
    name, _, command = printed.strip().splitlines()[-1].partition(" ")
    assert name == "next"
    python, script, *words = shlex.split(command)
    assert (python, script) == ("python", "train.py")
    config.register()
    assert door.passes([word for word in words if "interval" not in word])
    page = (folder / sweep_in(folder) / "report.html").read_text()
    assert "val/loss by trial" in page
    assert page.rindex("<h2>Next</h2>") > page.rindex("<h2>Again</h2>")


def test_killed_at_a_random_moment_it_goes_on_to_the_same(
    whole: tuple[Path, str], tmp_path: Path
) -> None:
    seed = time.time_ns() % 10_000
    moment = random.Random(seed).uniform(0, 8)  # noqa: S311
    process = start(tmp_path, *PRUNED)
    wait_for(tmp_path, "logs/sweeps/*/0/config.yaml")
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert alive(process.pid, patience=60) == []
    done = search(tmp_path, f"run={sweep_in(tmp_path)}")
    assert done.returncode == 0, (seed, done.stderr)
    pairs = list(zip(jobs_of(whole[0]), jobs_of(tmp_path), strict=True))
    stands = [[status(job)["status"] for job in pair] for pair in pairs]
    assert all(one == two for one, two in stands), seed
    ended = [pair for pair, (how, _) in zip(pairs, stands, strict=True) if how == "ok"]
    unlike = [f"{a.name}: {line}" for a, b in ended for line in differences(a, b)]
    assert unlike == [], seed
    records = [
        yaml.safe_load((p / sweep_in(p) / "sweep.yaml").read_text()) for p in (whole[0], tmp_path)
    ]
    assert records[0]["jobs"] == records[1]["jobs"]
    assert records[0]["search"]["trials"] == records[1]["search"]["trials"] == list(range(12))


@pytest.mark.parametrize(
    "launcher", [by("joblib", "hydra.launcher.n_jobs=2"), by("submitit_local"), by("ray")]
)
def test_workers_beside_each_other_make_as_many_trials(launcher: list[str], tmp_path: Path) -> None:
    words = [*SEARCH, "trainer.max_epochs=2", "sweep.trials=5", "sweep.parallel=2", *launcher]
    done = search(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert [status(job)["status"] for job in jobs_of(tmp_path)] == ["ok"] * 5
    words_of = [(job / "overrides.txt").read_text().splitlines() for job in jobs_of(tmp_path)]
    rates = {word for words in words_of for word in words if "optimizer.lr" in word}
    assert len(rates) == 5
    more = search(tmp_path, f"run={sweep_in(tmp_path)}", "sweep.trials=6", *launcher)
    assert more.returncode == 0, more.stderr
    assert len(jobs_of(tmp_path)) == 6
    assert "1 of 6 jobs left (5 ok)" in more.stdout


def test_two_processes_of_a_trial_stop_together(tmp_path: Path) -> None:
    """The study is prepared so that any trial is behind after its second epoch."""
    optuna = pytest.importorskip("optuna")
    from seedbed.run.search import storage
    from seedbed.sweep.search.space import read, space
    from seedbed.sweep.search.study import distribution

    axes, _ = space(read([LR]))
    journal = tmp_path / "logs/studies/mine.log"
    study = optuna.create_study(study_name="seedbed", storage=storage(journal))
    for n in range(5):
        trial = study.ask({"optimizer.lr": distribution(axes[0])})
        for epoch in range(6):
            trial.report(-1.0 - n, epoch)
        study.tell(trial, -1.0 - n)
    two = ["trainer=ddp_cpu", "trainer.devices=2", "trainer.enable_progress_bar=false"]
    kept = [word for word in PRUNED if not word.startswith("trainer=")]
    done = search(tmp_path, *kept, "sweep.trials=1", "sweep.study=mine", *two)
    [job] = jobs_of(tmp_path)
    assert status(job)["status"] == "pruned", done.stderr
    assert "pruned: val/loss was behind that of other trials after epoch 2" in done.stderr
    assert done.returncode == 1  # no trial of this sweep has a value


def test_a_search_that_was_moved_goes_on_and_one_without_its_journal_says_so(
    whole: tuple[Path, str], tmp_path: Path
) -> None:
    shutil.copytree(whole[0] / sweep_in(whole[0]), tmp_path / "elsewhere")
    more = search(tmp_path, "run=elsewhere", "sweep.trials=13")
    assert (more.returncode, more.stderr) == (0, "")
    assert status(tmp_path / "elsewhere/12")["status"] in ("ok", "pruned")
    (tmp_path / "elsewhere/study.log").unlink()
    lost = search(tmp_path, "run=elsewhere", "sweep.trials=14")
    assert lost.returncode == 2
    assert lost.stderr == "elsewhere/study.log: the journal of the search is gone\n"
