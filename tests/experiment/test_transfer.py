"""The experiment on transfer learning shows what its header says."""

import json
import sys
from pathlib import Path

import pytest
from conftest import Train

from seedbed import source
from seedbed.command import Command, jobs

QUIET = ["trainer.enable_progress_bar=false", "logger=csv", "trainer=cpu", "num_threads=1"]


def test_its_jobs_are_every_mode_from_random_and_from_learned_weights() -> None:
    command = Command.read(["experiment=transfer"])
    assert command.sweep
    found = {tuple(words[:3]) for words in jobs(command)}
    assert found == {
        (f"++data.per_class={labels}", f"init=[{init}]", f"++callback.finetune.mode={mode}")
        for labels in (1, 5)
        for init in ("default", "pretrained")
        for mode in ("probe", "gradual", "full")
    }


@pytest.mark.slow
def test_learned_weights_help_with_one_label_a_class(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(words: list[str], running: object) -> int:
        before = sys.argv
        code = train(*words, *QUIET, "trainer.max_epochs=6").code
        monkeypatch.setattr(sys, "argv", before)
        return code

    monkeypatch.setattr(source, "child", here)
    monkeypatch.setattr(source, "refuse_another", lambda *_: None)  # it was trained for less long
    found = {}
    for init in ("default", "pretrained"):
        words = ["data.per_class=1", f"init=[{init}]", "callback.finetune.mode=full", f"out={init}"]
        ended = train("experiment=transfer", *words, *QUIET)
        assert ended.code == 0, ended.err
        found[init] = json.loads(Path(init, "metrics.json").read_text())["test/acc"]
    assert found["pretrained"] > found["default"] + 0.08
