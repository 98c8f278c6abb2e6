"""The guide to sweeps: its commands pass the gate."""

import shlex
from pathlib import Path

import pytest
from conftest import ROOT, Train
from written import run, sweep

from seedbed import config
from seedbed.command import Command
from seedbed.door import checked

GUIDE = (ROOT / "docs/guides/sweeps.md").read_text().partition("```sh\n")[2].partition("```")[0]
COMMANDS = [shlex.split(line, comments=True)[2:] for line in GUIDE.splitlines()]


@pytest.mark.parametrize("words", [c for c in COMMANDS if "-m" in c], ids=" ".join)
def test_sweeps_of_the_guide_pass_the_gate(words: list[str]) -> None:
    config.register()
    assert len(checked(Command.read(words))) in (10, 15)


@pytest.mark.parametrize("words", [c for c in COMMANDS if "stages=report" in c[0]], ids=" ".join)
def test_lists_of_the_guide_are_printed(words: list[str], train: Train, tmp_path: Path) -> None:
    run(tmp_path / "logs/default/1", ["seed=0"], {"val/loss": 1.0})
    folder = sweep(tmp_path / "logs/sweeps/1", {"model=cnn": (0.1, 0.2), "model=mlp": (0.2, 0.3)})
    (folder / "sweep.yaml").write_text("monitor: {name: val/loss, mode: auto}\n")
    ended = train(*(word.replace("<id>", "1") for word in words))
    assert (ended.code, ended.err) == (0, "")
    assert "1 ok, 1 sweep" in ended.out or "ranked by" in ended.out


def test_every_command_of_the_guide_is_tried() -> None:
    assert len(COMMANDS) == 6
    assert sum("-m" in c or "stages=report" in c[0] for c in COMMANDS) == 5  # the other needs a run
