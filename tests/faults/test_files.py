"""Faults of files: kills in the middle of a write, full disks, damage, two runs in one folder."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import ROOT, TINY, Train
from zygote import Forked

import seedbed
from seedbed.checkpoint._file import read_checkpoint, write_checkpoint

pytestmark = pytest.mark.slow

KILLS = """
import json, os, random, signal, sys, time
from pathlib import Path
import torch
from seedbed.checkpoint._file import read_checkpoint, write_checkpoint

folder, kills, last, torn, later = Path(sys.argv[1]), int(sys.argv[2]), 0, 0, 0
target, draw = folder / "last.ckpt", random.Random(0)
for _ in range(kills):
    child = os.fork()
    if child == 0:
        step = last
        while True:
            step += 1
            write_checkpoint({"step": step, "w": torch.full((2_000_000,), float(step))}, target)
    time.sleep(draw.uniform(0.01, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for part in folder.glob("*.part"):
        torn += 1
        part.unlink()
    if target.exists():
        content = read_checkpoint(target)
        assert (content["w"] == content["step"]).all(), "two states in one file"
        assert content["step"] >= last, "a newer file was lost"
        later += content["step"] > last
        last = content["step"]
print(json.dumps({"torn": torn, "later": later}))
"""


Process = Forked | subprocess.Popen[str]


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")} | more


def elsewhere() -> str:
    """Return a temporary directory on another file system, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"  # noqa: S108


EVERY = "trainer.log_every_n_steps=1"


def start(folder: Path, *words: str, room: int = 0) -> Process:
    """Start `python train.py ...` in a folder, with files of `room` bytes at most, 0: of any."""
    env = environment(GIT_DIR="/nowhere")  # no diff: its size is not for the test to say
    if not room:
        return Forked(ROOT / "train.py", words, folder, env)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *words],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),  # noqa: PLW1509
    )


def ended(process: Process, seconds: float = 120) -> tuple[int, list[str]]:
    """Return the exit code and the lines of a process's errors."""
    try:
        _, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode is not None
    return process.returncode, err.strip().splitlines()


def status(run: Path) -> dict[str, str]:
    return json.loads((run / "status.json").read_text())


def wait_for(file: Path, process: Process, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{file} was not written"
        time.sleep(0.02)


# -- kills in the middle of a write ----------------------------------------------------------


def test_a_kill_in_the_middle_of_a_write_costs_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(tmp_path), "40"],
        env=environment(TMPDIR=elsewhere()),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted["torn"] >= 5, counted  # kills that really struck inside a write
    assert counted["later"] >= 5, counted  # and writes that really took place


# -- full disks ------------------------------------------------------------------------------

WIDE = [*TINY, "model.widths=[300,300]", "trainer.max_epochs=9", "stages=fit", "out=a"]


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system of this size, or skip the test."""
    disk = folder / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount on this machine")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)  # noqa: S607


def test_a_full_disk_leaves_the_checkpoints_of_before_and_the_run_goes_on_later(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path, "3500k") as disk:
        code, said = ended(start(disk, *WIDE))
        assert (code, len(said)) == (1, 2), said
        assert said[0].startswith("failed: a/checkpoints/best.ckpt: cannot be written (No space")
        assert "the file of before is intact" in said[0]
        assert said[1] == "python train.py run=a"
        stands = status(disk / "a")
        assert stands["status"] == "failed"
        assert "best.ckpt: cannot be written (No space left on device)" in stands["error"]
        for name in ("best", "last"):
            assert read_checkpoint(disk / f"a/checkpoints/{name}.ckpt")["epoch"] == 0
        assert not list(disk.rglob("*.part"))
        words = ["mount", "-o", "remount,size=20m", str(disk)]
        subprocess.run(words, check=True)
        code, said = ended(start(disk, "run=a"))
        assert code == 0, said
        assert status(disk / "a")["status"] == "ok"


def fill(file: Path) -> None:
    """Write until the disk is full."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while os.write(handle, bytes(4096)):
            pass
    os.close(handle)
    assert os.statvfs(file).f_bavail == 0


def test_a_disk_that_is_full_to_the_last_byte_still_takes_the_status(tmp_path: Path) -> None:
    with small_disk(tmp_path, "900k") as disk:
        process = start(disk, *TINY, "trainer.max_epochs=99999", "out=a")
        wait_for(disk / "a/checkpoints/last.ckpt", process)
        fill(disk / "ballast")
        code, said = ended(process)
        assert (code, said[1:]) == (1, ["python train.py run=a"]), said
        assert "cannot be written (No space left on device)" in said[0]
        assert status(disk / "a")["status"] == "failed"
        read_checkpoint(disk / "a/checkpoints/last.ckpt")


@pytest.mark.parametrize(
    ("room", "words", "says"),
    [
        (60_000, ["model.widths=[300,300]"], "checkpoints/best.ckpt: cannot be written (File too"),
        (
            8_000,
            ["checkpoint=none", "logger=csv", EVERY],
            "history.csv: cannot be written (File too",
        ),
        (  # history.csv has 29,000 bytes, TensorBoard's file 56,000
            40_000,
            ["checkpoint=none", EVERY],
            "a file of tensorboard: cannot be written (File too",
        ),
        (
            30_000,
            ["stages=[fit,report]", "logger=csv"],
            "plots/curves.png: cannot be written (File too",
        ),
    ],
    ids=["checkpoint", "history", "tensorboard", "curves"],
)
def test_whichever_file_finds_no_room_is_named_in_one_line(
    tmp_path: Path, room: int, words: list[str], says: str
) -> None:
    epochs = ["stages=fit", "trainer.max_epochs=60"]
    code, said = ended(start(tmp_path, *TINY, *epochs, *words, "out=a", room=room))
    assert (code, said[1:]) == (1, ["python train.py run=a"]), said
    assert says in said[0]
    assert status(tmp_path / "a")["status"] == "failed"
    assert not list((tmp_path / "a").rglob("*.part"))


def test_a_full_disk_ends_every_process_with_the_same_error(tmp_path: Path) -> None:
    parallel = ["trainer=ddp_cpu", "trainer.devices=2"]
    words = [w for w in WIDE if not w.startswith("trainer=")]
    process = start(tmp_path, *words, *parallel, room=400_000)
    code, said = ended(process, 60)
    assert (code, said[1:]) == (1, ["python train.py run=a"]), said
    assert "checkpoints/best.ckpt: cannot be written (File too large)" in said[0]
    assert status(tmp_path / "a")["status"] == "failed"
    end = time.monotonic() + 10
    while time.monotonic() < end and alive(process.pid):
        time.sleep(0.1)
    assert not alive(process.pid)


def alive(group: int) -> bool:
    """Return whether any process of a session is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_disk_that_was_full_from_the_start_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    with small_disk(tmp_path, "8k") as disk:
        code, said = ended(start(disk, *TINY, "out=a"))
        assert (code, len(said)) == (2, 1), said
        assert "cannot be written (No space left on device)" in said[0]
        assert list(disk.iterdir()) == []


# -- damage ----------------------------------------------------------------------------------


def interrupted(train: Train, monkeypatch: pytest.MonkeyPatch, *words: str) -> Path:
    """Return a run that crashed in its third epoch."""
    from seedbed.task.supervised import Supervised

    def crash(self: Supervised) -> None:
        if self.current_epoch == 2:
            raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Supervised, "on_train_epoch_start", crash)
        ended = train(*TINY, "trainer.max_epochs=4", *words)
    assert ended.code == 1
    return ended.folder.absolute()


def test_a_run_whose_last_checkpoint_is_damaged_goes_on_from_the_best_to_the_same_end(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = interrupted(train, monkeypatch, "callback=[ema]")
    last = run / "checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:-1])
    code, said = ended(start(tmp_path, f"run={run}"))
    assert code == 0, said
    best = run / "checkpoints/best.ckpt"
    assert said[0] == (
        f"{last}: damaged (its end is missing or changed); going on from {best}, epoch 2, step 6"
    )
    whole = train(*TINY, "trainer.max_epochs=4", "callback=[ema]", "out=whole")
    assert whole.code == 0
    states = [read_checkpoint(each / "checkpoints/last.ckpt") for each in (run, Path("whole"))]
    for key in ("state_dict", "raw_state_dict"):
        first, second = (state[key] for state in states)
        assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_a_run_without_a_checkpoint_that_is_whole_is_refused_in_one_line(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(train, monkeypatch)
    for name in ("best", "last"):
        file = run / f"checkpoints/{name}.ckpt"
        content = read_checkpoint(file)
        next(iter(content["state_dict"].values())).view(-1)[0] = float("nan")
        write_checkpoint(content, file)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    ended = train(f"run={run}")
    assert (ended.code, len(ended.lines())) == (2, 1)
    for name in ("best", "last"):
        assert f"checkpoints/{name}.ckpt: poisoned (" in ended.err
    assert before == {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}


def test_the_best_is_tested_or_nothing_is(train: Train) -> None:
    run = train(*TINY).folder
    best = run / "checkpoints/best.ckpt"
    content = bytearray(best.read_bytes())
    content[len(content) // 2] ^= 1
    best.write_bytes(content)
    says = f"{best}: damaged (its checksum does not fit)"
    for stage in ("test", "predict"):
        ended = train(f"run={run}", f"stages={stage}")
        assert (ended.code, ended.err) == (2, f"{says}\n")
    with pytest.raises(ValueError, match="its checksum does not fit"):
        seedbed.load(run)
    torch.save({"epoch": 1}, best)
    with pytest.raises(ValueError, match="not a checkpoint of a run"):
        seedbed.load(run)
    torch.save(torch.nn.Linear(2, 2), best)
    with pytest.raises(ValueError, match="not a checkpoint of plain data"):
        seedbed.load(run)


# -- two runs, one folder --------------------------------------------------------------------

LONG = [*TINY, "trainer.max_epochs=100000", "callback=[]", "logger=csv", "out=a"]


def test_a_second_process_leaves_a_running_one_alone_and_takes_over_once_it_is_killed(
    tmp_path: Path,
) -> None:
    first = start(tmp_path, *LONG)
    wait_for(tmp_path / "a/checkpoints/last.ckpt", first)
    code, said = ended(start(tmp_path, "run=a"))
    assert (code, len(said)) == (2, 1), said
    assert said[0].startswith(f"run=a: another process (pid {first.pid} on this machine, since ")
    assert said[0].endswith(") is training there")
    assert first.poll() is None
    assert status(tmp_path / "a")["status"] == "running"
    assert status(tmp_path / "a")["pid"] == first.pid
    assert not (tmp_path / "a/reruns").exists()
    code, said = ended(start(tmp_path, *LONG))
    assert (code, said) == (2, ["out=a: holds a run already; go on from it with run=a"])
    first.send_signal(signal.SIGKILL)
    first.communicate()
    torn = tmp_path / "a/checkpoints/last.ckpt.1.part"
    torn.touch()
    done = read_checkpoint(tmp_path / "a/checkpoints/last.ckpt")["epoch"] + 1
    code, said = ended(start(tmp_path, "run=a", f"trainer.max_epochs={done + 2}"))
    assert code == 0, said
    assert not torn.exists()
    assert status(tmp_path / "a")["status"] == "ok"


def test_of_twenty_starts_at_once_in_one_folder_one_trains(tmp_path: Path) -> None:
    starts = [start(tmp_path, *TINY, "stages=fit", "out=a") for _ in range(20)]
    ends = [ended(each, 180) for each in starts]
    assert sorted(code for code, _ in ends) == [0] + [2] * 19, ends
    assert all(len(said) == 1 and said[0].startswith("out=a: ") for code, said in ends if code)
    assert status(tmp_path / "a")["status"] == "ok"
    assert status(tmp_path / "a")["pid"] in [each.pid for each in starts]
    assert sorted(p.name for p in (tmp_path / "a/checkpoints").iterdir()) == [
        "best.ckpt",
        "last.ckpt",
    ]
