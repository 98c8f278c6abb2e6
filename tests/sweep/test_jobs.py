"""Real sweeps: by every launcher the same, whatever one job does, and gone on with to the bit."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from conftest import TINY
from same import differences
from start import Ended, alive, ended, members, start, status
from sweeping import LONG, SHORT, by, run, sweep_in, unlike, wait_for

from seedbed.run.status import standing

pytestmark = pytest.mark.slow

SEEDS = ["-m", *SHORT, "seed=0,1,2"]
TWO = "hydra.launcher.n_jobs=2"
OTHERS = [by("joblib", TWO), by("submitit_local", TWO), by("ray")]


def go_on(folder: Path, *words: str) -> Ended:
    return run(folder, f"run={sweep_in(folder)}", *words)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep by the launcher of every day."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, *SEEDS).code == 0
    return folder


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of longer jobs, never interrupted."""
    folder = tmp_path_factory.mktemp("long")
    assert run(folder, "-m", *LONG).code == 0
    return folder


def test_a_job_is_what_its_command_alone_is(whole: Path, tmp_path: Path) -> None:
    assert run(tmp_path, *SHORT, "seed=1", "out=alone").code == 0
    one = whole / sweep_in(whole) / "1"
    assert differences(one, tmp_path / "alone") == []
    there, here = files(one), files(tmp_path / "alone")
    assert there == here


def files(run: Path) -> set[str]:
    """Return what a run folder holds; the names of events hold the time."""
    names = (str(file.relative_to(run)) for file in run.rglob("*"))
    return {"events" if "tfevents" in name else name for name in names}


@pytest.mark.parametrize("launcher", OTHERS)
def test_every_launcher_makes_the_same(launcher: list[str], whole: Path, tmp_path: Path) -> None:
    done = run(tmp_path, *SEEDS, *launcher)
    assert (done.code, done.err) == (0, "")
    assert unlike(whole, tmp_path) == []
    kinds = {"0", "1", "2", "sweep.yaml"}
    assert {f.name for f in (tmp_path / sweep_in(tmp_path)).iterdir()} >= kinds


@pytest.mark.parametrize("what", ["SIGKILL", "exit", "raise"])
@pytest.mark.parametrize("launcher", [by("basic"), *OTHERS])
def test_a_job_that_dies_loses_no_other(
    what: str, launcher: list[str], whole: Path, tmp_path: Path
) -> None:
    if what != "SIGKILL" and "joblib" not in launcher[0]:
        pytest.skip("the same path as another")
    fault = {"where": "batch", "step": 4, "what": what, "mark": str(tmp_path / "mark")}
    process = start(tmp_path, *SEEDS, *launcher, fault=fault)
    done = ended(process, within=300)
    assert done.code == 1
    stands = [standing(f.parent) for f in tmp_path.glob("logs/sweeps/*/*/status.json")]
    assert sorted(stands) == sorted(["ok", "ok", "failed" if what == "raise" else "lost"])
    assert done.lines[-2] == "1 of 3 jobs have not ended well; go on with:"
    words = done.lines[-1].removeprefix("python train.py ").split()
    assert words == [f"run={sweep_in(tmp_path)}", *launcher]
    assert alive(process.pid) == []
    again = run(tmp_path, *words)
    assert again.code == 0, again.err
    assert unlike(whole, tmp_path) == []


@pytest.mark.parametrize("launcher", [by("basic"), by("joblib", TWO)])
def test_killed_at_a_random_moment_it_goes_on_to_the_same(
    launcher: list[str], long: Path, tmp_path: Path
) -> None:
    moment = random.Random(launcher[0])  # noqa: S311 -- the same at every test
    process = start(tmp_path, "-m", *LONG, *launcher)
    wait_for(tmp_path, "logs/sweeps/*/0/checkpoints/last.ckpt")
    time.sleep(moment.uniform(0, 3))
    process.kill()
    process.communicate()
    assert alive(process.pid, patience=30) == []  # its jobs have saved what they had
    stands = [status(f.parent)["status"] for f in tmp_path.glob("logs/sweeps/*/*/status.json")]
    assert set(stands) <= {"ok", "interrupted"}
    again = go_on(tmp_path)  # by another launcher, too
    assert again.code == 0, again.err
    assert unlike(long, tmp_path) == []


@pytest.mark.parametrize("launcher", [by("basic"), *OTHERS])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_stops_it_and_one_command_goes_on(
    name: str, launcher: list[str], long: Path, tmp_path: Path
) -> None:
    if name == "SIGINT" and "joblib" not in launcher[0]:
        pytest.skip("the same path as another")
    process = start(tmp_path, "-m", *LONG, *launcher)
    wait_for(tmp_path, "logs/sweeps/*/0/checkpoints/last.ckpt")
    number = getattr(signal, name)
    if name == "SIGINT":
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    done = ended(process, within=300)
    assert done.code == 128 + number, done.err
    words = done.lines[-1].removeprefix("python train.py ").split()
    assert words == [f"run={sweep_in(tmp_path)}", *launcher]
    assert done.lines[-2].startswith(f"interrupted by {name} (")
    assert len(done.lines) == 2  # no job speaks for itself
    assert alive(process.pid, patience=30) == []
    assert status(tmp_path / sweep_in(tmp_path) / "0")["status"] == "interrupted"
    again = run(tmp_path, *words)
    assert again.code == 0, again.err
    assert unlike(long, tmp_path) == []


def test_while_it_runs_nobody_else_goes_on_with_it(tmp_path: Path) -> None:
    process = start(tmp_path, "-m", *LONG, "trainer.max_epochs=9999")
    wait_for(tmp_path, "logs/sweeps/*/0/checkpoints/last.ckpt")
    refused = go_on(tmp_path)
    assert refused.code == 2
    [line] = refused.lines
    assert f"another process (pid {process.pid} on this machine" in line
    process.terminate()
    assert ended(process, within=300).code == 143


def test_a_finished_one_has_nothing_left(whole: Path) -> None:
    before = (whole / sweep_in(whole) / "0/status.json").read_text()
    assert go_on(whole).code == 0
    assert (whole / sweep_in(whole) / "0/status.json").read_text() == before
    refused = go_on(whole, "seed=7")
    assert refused.code == 2
    assert "leave out seed=7, or start another" in refused.err


def test_jobs_of_several_processes(tmp_path: Path) -> None:
    words = [w for w in SHORT if w != "trainer=cpu"]
    done = run(tmp_path, "-m", "trainer=ddp_cpu", *words, "trainer.devices=1,2")
    assert done.code == 0, done.err
    folder = tmp_path / sweep_in(tmp_path)
    assert [status(folder / n)["status"] for n in "01"] == ["ok", "ok"]
    assert sorted(f.name for f in folder.iterdir() if f.is_dir()) == ["0", "1"]


def test_memory_is_flat_over_fifty_jobs(tmp_path: Path) -> None:
    words = [*TINY, "stages=fit", "callback=[]", "logger=[]", "doctor=none", "checkpoint=none"]
    process = start(tmp_path, "-m", *words, "seed=range(50)")
    wait_for(tmp_path, "logs/sweeps/*/5/status.json")
    server = server_of(process.pid)
    early = resident(server)
    wait_for(tmp_path, "logs/sweeps/*/48/status.json", patience=400)
    late = resident(server)
    assert ended(process, within=300).code == 0
    assert late - early < 2_000  # kB, of some 500 000


def server_of(sweep: int) -> int:
    """Return the process that forks the jobs of a sweep: the one that has been there longest."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in members(sweep)}
    return min(pid for pid, command in commands.items() if b"forkserver" in command)


def resident(pid: int) -> int:
    """Return the memory of a process in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
