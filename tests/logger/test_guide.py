"""The guide to loggers: its commands pass the gate."""

import shlex
from importlib.util import find_spec

import pytest
from conftest import ROOT

from seedbed import config
from seedbed.command import Command
from seedbed.door import checked

GUIDE = (ROOT / "docs/guides/loggers.md").read_text().partition("```sh\n")[2].partition("```")[0]
COMMANDS = [shlex.split(line)[2:] for line in GUIDE.splitlines()]
MISSING = [name for name in ("mlflow", "sqlalchemy", "wandb") if find_spec(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_of_the_guide_pass_the_gate(words: list[str]) -> None:
    config.register()
    assert len(checked(Command.read(words))) == (2 if "-m" in words else 1)


def test_every_command_of_the_guide_is_tried() -> None:
    assert len(COMMANDS) == 4
