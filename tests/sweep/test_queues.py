"""Jobs in somebody else's queue: a time limit, an array, a cluster."""

import json
import os
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest
import slurm
from conftest import TINY
from start import ended, start, status
from sweeping import LONG, run, sweep_in, unlike, wait_for

pytestmark = pytest.mark.slow

submitit = pytest.mark.skipif(find_spec("submitit") is None, reason="needs seedbed[submitit]")
ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs seedbed[ray]")
ONE = [word.replace("seed=0,1,2", "seed=0,1") for word in LONG]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, "-m", *ONE).code == 0
    return folder


@submitit
def test_a_job_whose_time_is_over_saves_and_goes_on(whole: Path, tmp_path: Path) -> None:
    process = start(
        tmp_path, "-m", *ONE, "hydra/launcher=submitit_local", "hydra.launcher.n_jobs=1"
    )
    wait_for(tmp_path, "logs/sweeps/*/0/checkpoints/last.ckpt")
    pid = status(tmp_path / sweep_in(tmp_path) / "0")["pid"]
    os.kill(parent_of(pid), signal.SIGUSR2)  # as submitit's controller does
    done = ended(process, within=300)
    assert (done.code, done.err) == (0, "")
    assert went_on(tmp_path) == [True, False]
    assert unlike(whole, tmp_path, jobs=2) == []


@submitit
def test_an_array_job_of_slurm(whole: Path, tmp_path: Path) -> None:
    env = slurm.install(tmp_path)
    words = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu"]
    words += ["hydra.launcher.timeout_min=90", "hydra.launcher.array_parallelism=2"]
    process = start(tmp_path, "-m", *ONE, *words, fault=None, **env)
    wait_for(tmp_path, "logs/sweeps/*/0/checkpoints/last.ckpt")
    slurm.time_is_nearly_over(status(tmp_path / sweep_in(tmp_path) / "0")["pid"])
    done = ended(process, within=300)
    assert (done.code, done.err) == (0, "")
    [job] = (tmp_path / "state").glob("*.job")  # one for all
    asked = job.read_text()
    for said in ("'array': '0-1%2'", "'partition': 'gpu'", "'time': '90'", "'signal': 'USR2@120'"):
        assert said in asked
    assert went_on(tmp_path) == [True, False]
    assert unlike(whole, tmp_path, jobs=2) == []


@submitit
def test_a_job_of_several_processes_under_slurm(tmp_path: Path) -> None:
    env = slurm.install(tmp_path)
    words = [word for word in TINY if word != "trainer=cpu"]
    words += ["trainer=ddp_cpu", "trainer.devices=2", "seed=0,1", "stages=fit"]
    words += ["hydra/launcher=submitit_slurm", "hydra.launcher.tasks_per_node=2"]
    assert run(tmp_path, "-m", *words, **env).code == 0
    for number in "01":
        known = json.loads(
            (tmp_path / sweep_in(tmp_path) / number / "environment.json").read_text()
        )
        assert known["torch"]["processes"] == 2


@ray
def test_a_cluster_is_found_by_its_address(tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    words = ["-m", *TINY, "stages=fit", "seed=0,1", "hydra/launcher=ray"]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    try:
        done = run(tmp_path, *words, f"hydra.launcher.address={cluster.address}")
    finally:
        cluster.shutdown()
    assert (done.code, done.err) == (0, "")
    stands = [status(f.parent)["status"] for f in tmp_path.glob("logs/sweeps/*/*/status.json")]
    assert stands == ["ok", "ok"]


def went_on(folder: Path) -> list[bool]:
    """Return of each job whether it was interrupted before."""
    jobs = sorted((folder / sweep_in(folder)).glob("[0-9]"))
    return [bool(list(job.glob("reruns/*/config.yaml"))) for job in jobs]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
