"""How jobs are launched: what can be said, and what is shared out."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY, Train

from seedbed.run.folder import Refused
from seedbed.sweep import launcher
from seedbed.sweep.launcher import NAMES, chosen, joblib
from seedbed.sweep.launcher._task import tell, told

SEEDS = ["-m", *TINY, "seed=0,1"]


def test_these_are_known() -> None:
    assert NAMES == ["basic", "joblib", "ray", "submitit_local", "submitit_slurm"]
    assert type(chosen([])).__module__ == "seedbed.sweep.launcher.basic"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["hydra/launcher=jobllib"],
            "hydra/launcher=jobllib: no such option; did you mean 'joblib'? "
            "there is basic, joblib, ray, submitit_local, submitit_slurm",
        ),
        (
            ["hydra/launcher=joblib", "hydra.launcher.n_jobs=0"],
            "hydra.launcher.n_jobs=0: a number of jobs is expected, or -1 for one a core",
        ),
        (
            ["hydra/launcher=joblib", "hydra.launcher.njobs=2"],
            "hydra.launcher.njobs=2: joblib has no setting 'njobs'; "
            "did you mean 'n_jobs'? there is n_jobs",
        ),
        (
            ["hydra/launcher=joblib", "hydra.launcher.n_jobs=two"],
            "hydra.launcher.n_jobs=two: a whole number is expected",
        ),
        (
            ["hydra.launcher.n_jobs=2"],
            "hydra.launcher.n_jobs=2: basic has no setting 'n_jobs'; it has no settings",
        ),
        (
            ["hydra/launcher=basic,joblib"],
            "hydra/launcher=basic,joblib: one value is expected; it holds for the whole sweep",
        ),
    ],
)
def test_a_wrong_launcher_is_one_line(words: list[str], line: str, train: Train) -> None:
    ended = train(*SEEDS, *words)
    assert (ended.code, ended.lines()) == (2, [line])
    assert not Path("logs").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["-m", "seed=0"], "-m: nothing varies; give several values, as in seed=0,1,2, "),
        (["-m", "seed=range(0)"], "seed=range(0): there is no value in it"),
        (["-m", "optimizer.lr=interval(0,1)"], "optimizer.lr=interval(0,1): a sweep tries "),
        (["-m", "model=glob(*)"], "model=glob(*): name the options, separated by commas"),
        (["hydra/launcher=joblib"], "hydra/launcher=joblib: only a sweep has jobs; add -m"),
        (["run=logs"], "run=logs: no run folder and no sweep's, there is no logs/config.yaml"),
    ],
)
def test_what_is_no_sweep_is_one_line(words: list[str], line: str, train: Train) -> None:
    ended = train(*words)
    assert ended.code == 2
    [said] = ended.lines()
    assert said.startswith(line)
    assert not Path("logs").exists()


def test_a_missing_library_is_named_with_its_extra(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "find_spec", lambda name: None)
    for name, extra in (("ray", "ray"), ("submitit_local", "submitit")):
        ended = train(*SEEDS, f"hydra/launcher={name}")
        assert ended.code == 2
        need = f"hydra/launcher={name} needs {extra}: pip install 'seedbed[{extra}]'"
        assert ended.lines() == [need]


def test_without_slurm_there_is_no_array_job(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Refused, match="there is no sbatch and no srun here"):
        chosen(["hydra/launcher=submitit_slurm"])


def test_a_time_limit_leaves_time_to_save() -> None:
    pytest.importorskip("submitit")
    words = ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=2"]
    with pytest.raises(Refused, match=r"signal_delay_s=120: seconds within timeout_min=2 "):
        chosen(words)
    assert chosen([*words, "hydra.launcher.signal_delay_s=119"])


def test_a_cluster_that_does_not_answer_is_one_line(train: Train) -> None:
    pytest.importorskip("ray")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    words = ["hydra/launcher=ray", f"hydra.launcher.address=127.0.0.1:{port}"]
    ended = train(*SEEDS, *words)
    assert ended.code == 2
    [line] = ended.lines()
    assert line.startswith(f"hydra.launcher.address=127.0.0.1:{port}: nobody answers (")
    assert not Path("logs").exists()


def test_jobs_are_counted_as_joblib_counts_them() -> None:
    assert [joblib.at_once(n, cores=8) for n in (1, 3, 20, -1, -2, -8, -9)] == [
        1,
        3,
        20,
        8,
        7,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("n_jobs", "jobs", "slots", "threads"),
    [(2, 10, 2, "4"), (3, 10, 3, "2"), (-1, 10, 8, "1"), (-1, 2, 2, "4"), (20, 30, 20, "1")],
)
def test_cores_are_divided_among_the_jobs(
    n_jobs: int, jobs: int, slots: int, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joblib, "cores", lambda: 8)
    for name in joblib.THREADS:
        monkeypatch.setenv(name, "1")  # so that it is as before afterwards
        monkeypatch.delenv(name)
    assert joblib.Launcher(n_jobs).slots(jobs) == slots
    assert os.environ["OMP_NUM_THREADS"] == threads
    monkeypatch.setenv("OMP_NUM_THREADS", "5")  # the user's own choice
    joblib.Launcher(n_jobs).slots(jobs)
    assert os.environ["OMP_NUM_THREADS"] == "5"


def test_a_sweep_is_told_by_a_file(tmp_path: Path) -> None:
    assert told(tmp_path) == 0
    tell(tmp_path, 15)
    assert told(tmp_path) == 15
    tell(tmp_path, 0)
    assert told(tmp_path) == 0


def test_what_is_written_and_read_of_sweeps_needs_no_torch() -> None:
    names = "record, resume, jobs, run, launcher"
    code = f"import sys; from seedbed.sweep import {names}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


@pytest.mark.slow
def test_nothing_is_computed_before_the_fork() -> None:
    """Threads that wait for work and a CUDA context would not be there in a job."""
    code = """
import os, torch
import seedbed.sweep.launcher._warm
names = [open(f"/proc/self/task/{t}/comm").read() for t in os.listdir("/proc/self/task")]
main = open("/proc/self/comm").read()
print(names.count(main), torch.cuda.is_initialized(), torch.cuda._is_in_bad_fork())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout == "1 False False\n"
