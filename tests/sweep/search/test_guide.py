"""The guide to searches: its commands pass the gate, its settings are those that there are."""

import re
import shlex
from dataclasses import MISSING, fields

import pytest
from conftest import ROOT

from seedbed import config, door
from seedbed.command import Command
from seedbed.sweep import resume
from seedbed.sweep.launcher import chosen as launcher
from seedbed.sweep.search.optuna import Optuna
from seedbed.sweep.search.plan import chosen, planned

pytest.importorskip("optuna", reason="needs optuna: pip install 'seedbed[optuna]'")

GUIDE = (ROOT / "docs/guides/search.md").read_text()
BLOCK = GUIDE.partition("```sh\n")[2].partition("```")[0]
COMMANDS = [shlex.split(line, comments=True)[2:] for line in BLOCK.splitlines()]


@pytest.mark.parametrize("words", [c for c in COMMANDS if "-m" in c], ids=" ".join)
def test_searches_of_the_guide_pass_the_gate(words: list[str]) -> None:
    config.register()
    command = Command.read(words)
    settings = chosen(command.search)
    assert settings is not None
    assert planned(command, settings, door.checked).configs
    launcher(command.launcher)


@pytest.mark.parametrize("words", [c for c in COMMANDS if "-m" not in c], ids=" ".join)
def test_a_search_may_be_told_to_go_on_as_the_guide_says(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "is_sweep", lambda folder: True)
    found = resume.asked([word.replace("<id>", "1") for word in words])
    assert str(found) == "logs/sweeps/1"


def test_the_settings_of_the_guide_are_those_that_there_are() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| *`?([^|`]*?)`? *\|", GUIDE, re.M))
    ours = {f.name: [] if f.default is MISSING else f.default for f in fields(Optuna)}
    assert rows == {name: str(value) for name, value in ours.items()}
    assert len(COMMANDS) == 7
