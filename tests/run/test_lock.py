"""One process at a time in a run folder; a killed one is no obstacle, nor is what it left torn."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from seedbed.run import lock
from seedbed.run.folder import Refused, write_json
from seedbed.run.lock import locked

HOLDER = """
import os, sys, time
from pathlib import Path
from seedbed.run.lock import locked
with locked(Path(sys.argv[1]), "out=a"):
    if os.fork() == 0:  # a data worker
        os.close(1)
        time.sleep(60)
    print("held", flush=True)
    sys.stdin.readline()
os.kill(0, 9)  # the worker too
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock of `a`, with a worker that it forked."""
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "a")]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, stdin=pipe, stdout=pipe, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        os.killpg(process.pid, signal.SIGKILL)


def test_a_second_process_is_told_who_is_there(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    out = tmp_path / "a"
    (out / "x.ckpt.1.part").touch()  # being written
    with pytest.raises(Refused) as caught, locked(out, "run=a"):
        pass
    says = rf"run=a: another process \(pid {holder.pid} on this machine, since [\d-]+ [\d:]+\) is"
    assert re.match(says, str(caught.value))
    assert (out / "x.ckpt.1.part").exists()
    assert json.loads((out / ".lock").read_text())["pid"] == holder.pid


def test_the_lock_of_a_killed_process_is_free_though_its_worker_lives(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    out = tmp_path / "a"
    (out / "checkpoints").mkdir()
    torn = [out / "status.json.1.part", out / "checkpoints/last.ckpt.1.part"]
    kept = [out / "status.json", out / "checkpoints/last.ckpt", out / "mine.party"]
    for file in (*torn, *kept):
        file.write_text("{}")
    holder.kill()
    holder.wait()
    os.killpg(holder.pid, 0)  # the worker is still there
    with locked(out, "run=a"):
        assert [file for file in torn if file.exists()] == []
        assert [file for file in kept if not file.exists()] == []
        assert json.loads((out / ".lock").read_text())["pid"] == os.getpid()
    assert (out / ".lock").read_text() == ""


def test_one_process_does_not_take_a_lock_twice_nor_lose_it_by_trying(tmp_path: Path) -> None:
    check = "import sys; from pathlib import Path; from seedbed.run.lock import locked\n"
    check += "with locked(Path(sys.argv[1]), 'out=a'): pass"

    def other() -> int:
        words = [sys.executable, "-c", check, str(tmp_path)]
        return subprocess.run(words, check=False, capture_output=True).returncode

    with locked(tmp_path, "out=a"):
        for same in (tmp_path, tmp_path / "." / ".." / tmp_path.name):
            with pytest.raises(Refused, match="already"), locked(same, "out=a"):
                pass
        assert other() == 1
    assert other() == 0
    with locked(tmp_path, "out=a"):  # free again, after an error too
        pass
    with pytest.raises(KeyError), locked(tmp_path, "out=a"):
        raise KeyError
    with locked(tmp_path, "out=a"):
        pass


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, granted, removed = tmp_path / "a", lock._granted, []

    def slow(file: lock.BinaryIO) -> bool:
        if not removed:  # its last holder removes the folder before we get the lock
            removed.append(True)
            (out / ".lock").unlink()
            out.rmdir()
        return granted(file)

    monkeypatch.setattr(lock, "_granted", slow)
    with locked(out, "out=a"):
        assert json.loads((out / ".lock").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize(
    ("status", "host", "age", "refused"),
    [
        ("running", "node7", 5, True),
        ("running", "node7", -5, True),  # a clock that is ahead
        ("running", "node7", 90, False),
        ("running", "here", 5, False),  # its lock is free: it was killed
        ("interrupted", "node7", 5, False),
        ("running", "node7", None, False),
    ],
)
def test_a_run_on_another_machine_is_known_by_its_heartbeat(
    tmp_path: Path, status: str, host: str, age: int | None, refused: bool
) -> None:
    said = {"status": status, "pid": 7, "host": socket.gethostname() if host == "here" else host}
    if age is not None:
        said["heartbeat"] = (datetime.now() - timedelta(seconds=age)).isoformat()
    write_json(tmp_path / "status.json", said)
    torn = tmp_path / "a.part"
    torn.touch()
    if refused:
        with pytest.raises(Refused, match=r"pid 7 on node7\) is"), locked(tmp_path, "run=a"):
            pass
        assert torn.exists()
        write_json(tmp_path / "status.json", {"status": "ok"})
    with locked(tmp_path, "run=a"):  # a refusal holds nothing
        assert not torn.exists()


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(Refused, match="out=x: the folder cannot be made"),
        locked(tmp_path / "file", "out=x"),
    ):
        pass
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / ".lock").symlink_to(tmp_path / "no" / "where")
    with pytest.raises(Refused, match="out=x"), locked(tmp_path / "folder", "out=x"):
        pass


@pytest.mark.parametrize("words", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1, "host": 3}'])
def test_what_stands_in_a_lock_file_is_not_trusted(tmp_path: Path, words: str) -> None:
    (tmp_path / ".lock").write_text(words)
    with locked(tmp_path, "out=a"):
        pass


def test_where_there_are_no_locks_a_living_process_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import fcntl

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", none)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        holder = {"pid": alive.pid, "host": socket.gethostname(), "since": "now"}
        (tmp_path / ".lock").write_text(json.dumps(holder))
        with pytest.raises(Refused, match=f"pid {alive.pid}"), locked(tmp_path, "out=a"):
            pass
        alive.kill()
    with locked(tmp_path, "out=a"):
        pass


def test_a_start_that_was_killed_keeps_its_folder_free(tmp_path: Path) -> None:
    """Nothing was learned there; the same command can be given again."""
    for name in ("overrides.txt", "environment.json", "git.diff", "config.yaml.17.part"):
        (tmp_path / name).touch()
    lock.refuse_taken(tmp_path)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(Refused, match="exists and is not empty"):
        lock.refuse_taken(tmp_path)
