"""Fixtures shared by every test."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from seedbed import door
from seedbed.run import pipeline

ROOT = Path(__file__).parent.parent

TINY = [
    "data=synthetic",
    "data.size=60",
    "data.batch_size=16",
    "model=mlp",
    "model.widths=[8]",
    "trainer=cpu",
    "stages=[fit,test]",  # a report takes longer
    "trainer.max_epochs=1",
    "trainer.enable_progress_bar=false",
]
REPORTED = [word for word in TINY if not word.startswith("stages=")]  # the stages of every day


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two cores: a test that starts processes waits for them at times."""
    return (3 * (os.cpu_count() or 1) + 1) // 2


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    folder: Path  # of the newest run

    def lines(self) -> list[str]:
        return self.err.strip().splitlines()


Train = Callable[..., Ended]


@pytest.fixture
def train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Train:
    """Run `python train.py ...` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", [str(ROOT / "train.py"), *words])
        with pytest.raises(SystemExit) as ended:
            door.enter(pipeline.run)
        said = capsys.readouterr()
        runs = sorted(tmp_path.glob("logs/*/*/config.yaml"), key=lambda p: p.stat().st_mtime_ns)
        folder = runs[-1].parent.relative_to(tmp_path) if runs else tmp_path
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, said.out, said.err, folder)

    return run
