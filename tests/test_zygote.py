"""A forked command is what a started one is: its words, folder, environment, output and end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from zygote import Forked

SCRIPT = """
import os, sys, time
print(sys.argv[1:], os.getcwd(), os.environ["OWN"], "PATH" in os.environ, sys.path[0], flush=True)
sys.stderr.write(input.__name__)
if "wait" in sys.argv:
    time.sleep(60)
if "raise" in sys.argv:
    raise ValueError("here")
sys.exit(3)
"""


def fork(folder: Path, *words: str) -> Forked:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    (folder / "in").mkdir()
    return Forked(script, words, folder / "in", {"OWN": "x"})


def test_it_is_what_python_starts(tmp_path: Path) -> None:
    forked = fork(tmp_path, "a b", "c")
    said = forked.communicate(60)
    command = [sys.executable, str(tmp_path / "script.py"), "a b", "c"]
    done = subprocess.run(
        command, cwd=tmp_path / "in", env={"OWN": "x"}, capture_output=True, text=True, check=False
    )
    assert said == (done.stdout, done.stderr)
    assert forked.returncode == done.returncode == 3
    assert forked.poll() == 3


def test_an_exception_is_printed_and_1(tmp_path: Path) -> None:
    forked = fork(tmp_path, "raise")
    _, err = forked.communicate(60)
    assert forked.returncode == 1
    assert err.endswith("ValueError: here\n")


def test_signals_reach_it_and_its_group(tmp_path: Path) -> None:
    forked = fork(tmp_path, "wait")
    assert forked.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        forked.communicate(0.5)
    os.killpg(forked.pid, signal.SIGTERM)
    forked.communicate(60)
    assert forked.returncode == -signal.SIGTERM
    forked.kill()  # nobody is there any more
    with pytest.raises(ProcessLookupError):
        os.kill(forked.pid, 0)
