"""Which jobs of a sweep are left, and what a command that goes on may say."""

import json
import os
import socket
from pathlib import Path

import pytest

from seedbed.run.folder import Refused
from seedbed.run.status import now
from seedbed.sweep.record import Sweep, write
from seedbed.sweep.resume import asked, changed, counted, left, stands

STATES = ["ok", "diverged", "failed", "interrupted", "lost", "refused", "not begun"]
LEFT = ["failed", "interrupted", "lost", "refused"]  # of those that have a folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("s")


def sweep(folder: Path, states: list[str]) -> Sweep:
    """Write a sweep whose jobs stand so."""
    jobs = [[f"seed={n}"] for n in range(len(states))]
    made = Sweep(["seed=0,1"], ["-m", "seed=0,1"], jobs, {"name": "val/loss", "mode": "auto"})
    for number, state in enumerate(states):
        out = folder / str(number)
        out.mkdir(parents=True)
        if state == "not begun":
            continue
        (out / "config.yaml").write_text("model: {}\n")
        if state != "refused":
            (out / "status.json").write_text(json.dumps(status(state)))
    write(folder, made)
    return made


def status(state: str) -> dict[str, object]:
    if state in ("running", "lost"):
        pid = os.getpid() if state == "running" else 2**22 + 1  # beyond the largest there is
        return {"status": "running", "pid": pid, "host": socket.gethostname(), "heartbeat": now()}
    return {"status": state}


def test_what_has_given_its_answer_is_left_alone(folder: Path) -> None:
    made = sweep(folder, STATES)
    found = dict(left(folder, made, ["trust=mine"]))
    assert [STATES[number] for number in found] == [*LEFT, "not begun"]
    assert found[2] == ["run='s/2'", "trust=mine"]
    assert found[6] == ["seed=6", "trust=mine", "out='s/6'"]
    assert stands(folder, made) == dict.fromkeys(STATES, 1)
    assert counted(stands(folder, made)).startswith("1 ok, 1 diverged, ")


def test_one_that_runs_is_waited_for(folder: Path) -> None:
    made = sweep(folder, ["ok", "running"])
    with pytest.raises(Refused, match=rf"^run=s: job 1 still runs \(pid {os.getpid()} on "):
        dict(left(folder, made, []))


def test_only_the_launcher_and_trust_can_be_said(folder: Path) -> None:
    sweep(folder, ["ok"])
    run = ["run=s"]
    assert asked(run) == folder
    assert asked(["run='s'", "trust=mine", "hydra/launcher=ray", "hydra.launcher.address=a"])
    assert asked(["seed=0"]) is None
    assert asked(["run=s/0", "seed=3"]) is None  # one of its jobs
    for words in (["seed=3"], ["-m"], ["out=x"], ["~callback.ema"], ["--cfg", "job"]):
        with pytest.raises(Refused, match=rf"^run=s: .* leave out {' '.join(words)}, or start"):
            asked([*run, *words])


def test_changed_code_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sweep(folder, ["ok"])
    made.code = {"git": "a" * 40, "changes": "0"}
    for now_, said in (
        ({"git": "a" * 40, "changes": "0"}, ""),
        ({"git": "b" * 40, "changes": "0"}, "git aaaaaaaaa then, bbbbbbbbb now"),
        ({"git": "a" * 40, "changes": "1"}, "other changes that are not committed"),
        ({"changes": "0"}, ""),  # no repository now: nothing to compare with
    ):
        monkeypatch.setattr("seedbed.sweep.resume.code", lambda known=now_: known)
        assert changed(made) == said
