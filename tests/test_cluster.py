"""The commands of the guide on clusters, and one run of two machines, on this one."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import slurm
from conftest import ROOT, TINY
from same import differences
from start import start, status
from sweeping import run

GUIDE = (ROOT / "docs/guides/cluster.md").read_text()
LINES = [
    line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.S) for line in block.splitlines()
]
SWEEPS = [line for line in LINES if line.startswith("python train.py -m")]
AGAIN = [line for line in LINES if "run=logs/sweeps/<id>" in line]
TORCHRUN = [line for line in LINES if line.startswith("torchrun")]
[BATCH] = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", GUIDE, re.S)
SMALL = ["data=synthetic", "data.size=60", "model=linear", "trainer.max_epochs=1", "stages=fit"]
TWO = [word for word in TINY if word != "trainer=cpu"]


def test_every_command_of_the_guide_is_tried_here() -> None:
    assert len(SWEEPS) == 5
    assert len(AGAIN) == len(TORCHRUN) == 2
    assert sorted([*SWEEPS, *AGAIN, *TORCHRUN]) == sorted(LINES)


@pytest.mark.slow
@pytest.mark.parametrize("line", SWEEPS)
def test_a_sweep_of_the_guide(line: str, tmp_path: Path) -> None:
    library = re.search(r"hydra/launcher=(ray|submitit)", line)
    if library and find_spec(library[1]) is None:
        pytest.skip(f"needs {library[1]}: pip install 'seedbed[{library[1]}]'")
    env = slurm.install(tmp_path) if "slurm" in line else {}
    done = run(tmp_path, *shlex.split(line)[2:], *SMALL, "trainer=cpu", **env)
    assert (done.code, done.err) == (0, "")
    stands = [status(f.parent)["status"] for f in tmp_path.glob("logs/sweeps/*/*/status.json")]
    assert stands == ["ok"] * 4
    [sweep] = tmp_path.glob("logs/sweeps/*")
    for again in AGAIN:
        words = shlex.split(again.replace("logs/sweeps/<id>", str(sweep)))[2:]
        assert run(tmp_path, *words).code == 0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_two_machines_of_torchrun_make_the_run_of_two_processes(tmp_path: Path) -> None:
    port = free_port()
    here = {"<head>": "127.0.0.1", "29500": str(port), "train.py": str(ROOT / "train.py")}
    machines = []
    for line in TORCHRUN:
        for word, mine in here.items():
            line = line.replace(word, mine)  # noqa: PLW2901
        words = shlex.split(line.replace("torchrun", f"{sys.executable} -m torch.distributed.run"))
        command = [*words, *TWO, "name=two"]
        with (tmp_path / f"{len(machines)}.log").open("wb") as log:
            machines.append(subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log))
    assert [machine.wait(timeout=240) for machine in machines] == [0, 0]
    assert "run folder" in (tmp_path / "0.log").read_text()
    assert "run folder" not in (tmp_path / "1.log").read_text()
    [found] = tmp_path.glob("logs/two/*")
    words = [*TWO, "trainer=ddp_cpu", "trainer.devices=2", "out=one"]
    assert run(tmp_path, *words).code == 0
    assert differences(found, tmp_path / "one") == []


@pytest.mark.slow
def test_two_machines_of_slurm_stop_are_queued_again_and_go_on(tmp_path: Path) -> None:
    words = [*TWO, "trainer.max_epochs=60", "stages=fit", "logger=[csv]"]
    whole = [*words, "trainer=ddp_cpu", "trainer.devices=2", "out=whole"]
    assert run(tmp_path, *whole).code == 0
    env = os.environ | slurm.install(tmp_path) | {"MASTER_PORT": str(free_port())}
    line = f"{shlex.quote(str(ROOT / 'train.py'))} {shlex.join([*words, 'name=two'])}"
    script = tmp_path / "job.sh"
    script.write_text(BATCH.replace("train.py", line))
    subprocess.run([tmp_path / "bin/sbatch", "job.sh"], cwd=tmp_path, env=env, check=True)
    state = tmp_path / "state/70.state"
    end = time.monotonic() + 240
    told = False
    while not state.is_file() or state.read_text() != "COMPLETED":
        assert time.monotonic() < end, (tmp_path / "state/70.out").read_text()
        if not told and list(tmp_path.glob("logs/two/*/checkpoints/last.ckpt")):
            [found] = tmp_path.glob("logs/two/*")
            os.kill(status(found)["pid"], signal.SIGUSR1)
            told = True
        time.sleep(0.05)
    assert told
    [found] = tmp_path.glob("logs/two/*")
    assert status(found) | {"status": "ok", "after": "interrupted"} == status(found)
    assert differences(tmp_path / "whole", found) == []
    known = json.loads((found / "environment.json").read_text())
    assert known["torch"]["processes"] == 2


@pytest.mark.slow
def test_a_sweep_of_ranks_is_refused(tmp_path: Path) -> None:
    step = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"}
    refused = run(tmp_path, "-m", *TINY, "seed=0,1", **step)
    assert refused.code == 2
    assert refused.lines == [
        "-m: start a sweep by python alone; its jobs start their own processes"
    ]


@pytest.mark.slow
def test_a_sweep_in_a_job_of_slurm_is_queued_again_and_goes_on(tmp_path: Path) -> None:
    env = slurm.install(tmp_path) | {"SLURM_JOB_ID": "77"}
    words = ["-m", *TINY, "trainer.max_epochs=400", "stages=fit", "seed=0,1"]
    process = start(tmp_path, *words, fault=None, **env)
    end = time.monotonic() + 120
    while not list(tmp_path.glob("logs/sweeps/*/0/checkpoints/last.ckpt")):
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGUSR1)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGUSR1, err
    assert [f.name for f in (tmp_path / "state").iterdir()] == ["77.requeue"]  # asked for once
    again = run(tmp_path, *words, **env, SLURM_RESTART_COUNT="1")
    assert again.code == 0, again.err
    [sweep] = tmp_path.glob("logs/sweeps/*")
    assert [status(sweep / n)["status"] for n in "01"] == ["ok", "ok"]
