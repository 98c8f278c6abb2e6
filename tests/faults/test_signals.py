"""A signal ends a run where nothing is lost; a second one ends it at once."""

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import TINY, Train
from fault import install
from same import differences
from start import alive, ended, run, start, status

pytestmark = pytest.mark.slow

SHORT = [*TINY[:-2], "trainer.max_epochs=3", TINY[-1], "trainer.log_every_n_steps=2"]
DDP = ["trainer=ddp_cpu", *(w for w in SHORT if w != "trainer=cpu")]


@pytest.mark.parametrize(
    ("where", "step", "words"),
    [
        ("batch", 4, []),
        ("validation", 3, []),
        ("validation", 2, ["trainer.val_check_interval=2"]),
        ("forward", 1, ["trainer.accumulate_grad_batches=2"]),  # in the middle of an update
        ("update", 4, []),  # the gradient is there, the weights are not yet moved
    ],
)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_the_first_waits_for_an_update_to_be_complete(
    name: str,
    where: str,
    step: int,
    words: list[str],
    train: Train,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert train(*SHORT, *words, "out=whole").code == 0
    mark = Path("mark").absolute()
    with monkeypatch.context() as patch:
        install({"where": where, "step": step, "what": name, "mark": str(mark)}, patch.setattr)
        stopped = train(*SHORT, *words, "out=run")
    assert mark.exists()
    assert stopped.code == 128 + getattr(signal, name)
    assert stopped.lines()[-2:] == [
        f"interrupted by {name}; go on with:",
        "python train.py run=run",
    ]
    assert status(Path("run"))["status"] == "interrupted"
    assert train("run=run").code == 0
    assert differences(Path("whole"), Path("run")) == []


def test_a_second_one_ends_at_once(tmp_path: Path) -> None:
    """Also while the process waits for something that never comes."""
    assert run(tmp_path, *SHORT, "out=whole").code == 0
    mark = tmp_path / "mark"
    fault = {"where": "batch", "step": 4, "what": "twice", "mark": str(mark)}
    process = start(tmp_path, *SHORT, "out=run", fault=fault)
    stopped = ended(process, within=60)
    assert mark.exists()
    assert (stopped.code, stopped.lines[-1]) == (143, "python train.py run=run")
    assert status(tmp_path / "run")["status"] == "interrupted"
    assert alive(process.pid) == []
    assert run(tmp_path, "run=run").code == 0
    assert differences(tmp_path / "whole", tmp_path / "run") == []


def test_all_processes_may_be_asked(tmp_path: Path) -> None:
    """A terminal and SLURM ask every process of a group."""
    words = [*DDP, "trainer.max_epochs=400"]
    process = start(tmp_path, *words, "out=run")
    wait_for(tmp_path / "run/checkpoints/last.ckpt")
    os.killpg(process.pid, signal.SIGTERM)
    stopped = ended(process, within=60)
    assert stopped.code == 143, stopped.err
    assert stopped.lines[-1] == "python train.py run=run"
    assert status(tmp_path / "run")["status"] == "interrupted"
    assert alive(process.pid) == []


def wait_for(file: Path, patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not file.exists():
        assert time.monotonic() < end, f"{file} never came"
        time.sleep(0.05)


def test_before_anything_is_saved(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it starts again as it was asked to, by the same command as ever."""
    from seedbed.run import pipeline

    assert train(*SHORT, "out=whole").code == 0

    def stop(cfg: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.Run, "fit", stop)
        assert train(*SHORT, "out=run").code == 143
    assert not Path("run/checkpoints").exists()
    assert train("run=run").code == 0
    assert differences(Path("whole"), Path("run")) == []


def test_a_sweep_ends_with_its_job(tmp_path: Path) -> None:
    process = start(tmp_path, "-m", *SHORT, "trainer.max_epochs=9999", "seed=0,1")
    end = time.monotonic() + 60
    while not list(tmp_path.glob("logs/sweeps/*/0/checkpoints/last.ckpt")):
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)  # the parent alone
    stopped = ended(process, within=60)
    assert stopped.code == 143, stopped.err
    [first] = tmp_path.glob("logs/sweeps/*/*/status.json")
    assert status(first.parent)["status"] == "interrupted"
    assert alive(process.pid) == []


def test_slurm_queues_the_job_again_and_it_goes_on(tmp_path: Path) -> None:
    assert run(tmp_path, *SHORT, "name=whole").code == 0
    [whole] = tmp_path.glob("logs/whole/*")
    scontrol = tmp_path / "bin/scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text('#!/bin/sh\necho "$@" >> asked\n')
    scontrol.chmod(0o755)
    slurm = {"PATH": f"{scontrol.parent}:{os.environ['PATH']}", "SLURM_JOB_ID": "77"}
    mark = str(tmp_path / "mark")
    fault = {"where": "batch", "step": 4, "what": "SIGUSR1", "mark": mark}
    stopped = run(tmp_path, *SHORT, "name=job", fault=fault, **slurm)
    assert stopped.code == 128 + signal.SIGUSR1, stopped.err
    assert (tmp_path / "asked").read_text() == "requeue 77\n"
    for count in ("1", "2"):  # the same command line; the second time there is nothing to do
        env = slurm | {"SLURM_RESTART_COUNT": count}
        again = run(tmp_path, *SHORT, "name=job", fault=None, **env)
        assert again.code == 0, again.err
    [job] = tmp_path.glob("logs/job/*")
    assert differences(whole, job) == []
