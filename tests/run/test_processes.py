"""Runs of several processes: two ranks, sweeps, twenty starts at once, lazy imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT, TINY

from seedbed.command import Command, jobs
from seedbed.data.synthetic import Synthetic
from seedbed.run import ranks
from seedbed.run.load import load

pytestmark = pytest.mark.slow


def command(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *words],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def read(path: Path) -> dict[str, float]:
    return json.loads(path.read_text())


def test_two_processes_make_one_run_with_the_numbers_of_one(tmp_path: Path) -> None:
    words = [w for w in TINY if not w.startswith("trainer=")]
    size = "data.size=65"  # 13 test examples: an odd number for two ranks
    stages = "stages=[preflight,fit,test,report]"
    done = command(tmp_path, *words, size, stages, "trainer=ddp_cpu", "trainer.devices=2")
    [run] = tmp_path.glob("logs/*/*/")
    assert done.stdout.count("run folder") == 1
    assert done.stdout.count("preflight: ") == 1
    assert (run / "preflight/table.md").is_file()
    events = (path.name.removesuffix(".hparams") for path in tmp_path.rglob("events.out*"))
    writers = {name.split(".")[-2] for name in events}
    assert len(writers) == 1  # process ids: the first rank writes for all
    model, _ = load(run)
    data = Synthetic(size=65)
    data.setup()
    x, y, *_ = data.splits["test"]
    assert len(y) == 13
    logits = model(x)
    measured = read(run / "metrics.json")
    right = (logits.argmax(1) == y).double().mean().item()
    loss = torch.nn.functional.cross_entropy(logits.double(), y).item()
    assert measured["test/acc"] == pytest.approx(right, abs=1e-7)
    assert measured["test/loss"] == pytest.approx(loss, rel=1e-6)

    command(tmp_path, f"run={run}", "stages=test", "trainer=cpu")
    [rerun] = (run / "reruns").iterdir()
    again = read(rerun / "metrics.json")
    assert again["test/acc"] == measured["test/acc"]
    assert again["test/loss"] == pytest.approx(measured["test/loss"], rel=1e-6)  # other batches


def test_torchrun_makes_one_run(tmp_path: Path) -> None:
    words = [w for w in TINY if not w.startswith("trainer=")]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"),
            *(str(ROOT / "train.py"), *words, "trainer=ddp_cpu", "trainer.devices=2"),
        ],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [run] = tmp_path.glob("logs/*/*/")
    assert done.stdout.count("run folder") == 1
    assert read(run / "status.json")["status"] == "ok"


def test_the_tasks_of_a_slurm_step_agree_on_the_config_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    step = {"SLURM_NTASKS": "2", "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0"}
    for name, value in (step | {ranks.CONFIG: ""}).items():
        monkeypatch.setenv(name, value)
    assert ranks.config_file() is None  # the first reads the command line
    ranks.announce(Path("run/config.yaml"))
    monkeypatch.setenv(ranks.CONFIG, "")
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert ranks.config_file() == tmp_path / "run/config.yaml"
    monkeypatch.setenv("SLURM_STEP_ID", "1")
    monkeypatch.setattr(ranks, "WAIT", 0.0)
    with pytest.raises(TimeoutError, match="7_1_0"):
        ranks.config_file()


def test_one_failing_job_does_not_lose_the_others(tmp_path: Path) -> None:
    words = ["-m", *TINY, "optimizer=sgd", "callback=[]", "optimizer.lr=1e38,0.1", "seed=0,1"]
    done = command(tmp_path, *words, code=1)
    [sweep] = tmp_path.glob("logs/sweeps/*")
    stands = {f.parent.name: read(f)["status"] for f in sweep.glob("*/status.json")}
    assert stands == {"0": "diverged", "1": "diverged", "2": "ok", "3": "ok"}
    lines = done.stdout.splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("lr  "))
    assert [line.split()[:2] for line in lines[head + 1 : head + 3]] == [
        ["0.1", "2"],
        ["1e+38", "0"],
    ]
    assert any(line.startswith("optimizer.lr=1e+38: 2 diverged (") for line in lines)


def test_an_experiment_can_say_what_it_varies_and_the_command_line_has_the_last_word(
    tmp_path: Path,
) -> None:
    words = [
        "experiment=demo_ema",
        "trainer.max_epochs=1",
        "data.size=100",
        "optimizer.lr=0.01,0.1",
    ]
    done = command(tmp_path, "-m", *words, "callback=[]")
    lines = done.stdout.splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("lr  "))
    assert {line.split()[0] for line in lines[head + 1 : head + 3]} == {"0.01", "0.1"}
    assert len(list(tmp_path.glob("logs/sweeps/*/*/status.json"))) == 2
    assert "train/loss" in lines[head]  # as `show` says
    whole = Command.read(["-m", "experiment=demo_ema", "seed=0,1"])
    lists = [[w for w in job if "callback" in w] for job in jobs(whole)]
    assert lists == [["callback=[]"], ["callback=[]"], ["callback=[ema]"], ["callback=[ema]"]]


def test_a_wrong_job_refuses_the_sweep_before_any_folder(tmp_path: Path) -> None:
    done = command(tmp_path, "-m", *TINY, "scheduler.warmup=0,-1", code=2)
    assert done.stderr.strip() == "scheduler: warmup must be at least 0 epochs, got -1"
    assert not list(tmp_path.glob("logs/*"))


def test_twenty_starts_at_once_make_twenty_folders(tmp_path: Path) -> None:
    script = (
        "from seedbed.run import folder; import pathlib; pathlib.Path('r', folder.new_id()).mkdir()"
    )
    (tmp_path / "r").mkdir()
    starts = [subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path) for _ in range(20)]
    assert [start.wait(60) for start in starts] == [0] * 20
    assert len(list((tmp_path / "r").iterdir())) == 20


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--help"], "optimizer: "),
        (["--cfg", "job", "optimizer=sgd"], "torch.optim.SGD"),
        (["--info", "defaults", "callback=[ema]"], "callback/ema"),
    ],
    ids=["help", "cfg", "info"],
)
def test_looking_imports_neither_torch_nor_lightning(
    words: list[str], says: str, tmp_path: Path
) -> None:
    check = f"""
import atexit, sys
atexit.register(lambda: print("HEAVY", {{"torch", "lightning"}} & set(sys.modules)))
sys.path.insert(0, {str(ROOT)!r})
import train
train.door.enter(train.work)
"""
    done = subprocess.run(
        [sys.executable, "-c", check, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert says in done.stdout
    assert "HEAVY set()" in done.stdout
    assert not list(tmp_path.iterdir())


def test_two_processes_compress_one_model(tmp_path: Path) -> None:
    words = [w for w in TINY if not w.startswith("trainer=")]
    chain = ["stages=[fit,compress]", "compress=[magnitude,distill]", "controls=false"]
    chain += ["compress.magnitude.epochs=1", "compress.distill.epochs=1", "logger=[]"]
    chain += ["compress.distill.max_drop=100", "compress.magnitude.sparsity=0.5"]
    done = command(tmp_path, *words, *chain, "trainer=ddp_cpu", "trainer.devices=2")
    assert done.stdout.count("compress 2/2: distill") == 1
    [run] = tmp_path.glob("logs/*/*/")
    assert not (run / "tuning").exists()
    dense = load(run).model.state_dict()
    small = load(run / "compress/distill.ckpt").model.state_dict()
    weights = [name for name in dense if name.endswith("weight")]
    zeros = sum(int((small[name] == 0).sum()) for name in weights)
    assert zeros == round(0.5 * sum(small[name].numel() for name in weights))
    assert any(not torch.equal(dense[name], small[name]) for name in weights)
