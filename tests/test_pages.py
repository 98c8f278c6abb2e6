"""Every command of every page is tried: those of some pages in tests of their own."""

import re
import shutil
import tomllib
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import pytest
import samples
import torch
from conftest import ROOT
from pages import PAGES, commands, forked, shell, skip_where_it_lacks, tiny

ELSEWHERE = {  # page: the test that tries its commands
    "README.md": "tests/test_readme.py",
    "docs/demos.md": "tests/experiment/test_demos.py",
    "docs/guides/cluster.md": "tests/test_cluster.py",
    "docs/guides/upgrading.md": "tests/test_new.py",
    "docs/your_data.md": "tests/test_worked_examples.py",
    "docs/your_loss.md": "tests/test_worked_examples.py",
    "docs/your_model.md": "tests/test_worked_examples.py",
}
HERE = [page for page in PAGES if str(page.relative_to(ROOT)) not in ELSEWHERE]
TRIED = commands(ROOT / "README.md")
LINES = [line for line in dict.fromkeys(sum(map(commands, HERE), list[str]())) if line not in TRIED]
BEFORE = {  # what a line goes on from: the command that makes it
    "logs/sweeps/<id>": "-m sweep=optuna 'optimizer.lr=tag(log,interval(1e-4,1e-1))'",
    "logs/few_shot/<id>": "data=episodes task=prototypical model.hidden=null name=few_shot",
    "logs/<name>/<id>": "model.norm=batch name=normed",
    "logs/default/<id>": "'stages=[fit,test,compress]' compress=[]",
}
EVERYTHING = ("logs/sweeps/<id>", "logs/default/<id>")  # what a list of all shows
NO_SERVER = "mode=online"  # such a line passes the gate and is printed
MINE = """
from torch import nn

class Model(nn.Module):
    def __init__(self, shape, outputs):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU())
        self.head = nn.Linear(16, outputs)

    def forward(self, x):
        return self.head(self.body(x))
"""
Made = Callable[[str], Path]
TRAIN = [line for line in LINES if "python train.py" in line]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    found: dict[str, Path] = {}

    def make(place: str) -> Path:
        if place not in found:
            folder = tmp_path_factory.mktemp("before")
            forked(tiny(f"python train.py {BEFORE[place]}"), folder)
            (found[place],) = folder.glob("logs/sweeps/*" if "sweeps" in place else "logs/*/*")
        return found[place]

    return make


def given(line: str, made: Made, folder: Path) -> str:
    """Return the line with real names for what it goes on from, once all it reads is there."""
    samples.images(folder / "pictures")
    (folder / "their.csv").write_text("epoch,loss,val_loss\n1,2.3,2.3\n2,1.1,1.2\n3,0.8,1.0\n")
    np.save(folder / "new.npy", np.zeros((5, 1, 8, 8), np.float32))
    (folder / "mine.py").write_text(MINE)
    torch.save({"1.weight": torch.ones(16, prod((1, 8, 8)))}, folder / "resnet18.pt")
    for place in BEFORE:
        if place in line or (place in EVERYTHING and "report.of=logs" in line):
            here = place.replace("<name>", "normed").replace("<id>", "1")
            shutil.copytree(made(place), folder / here)
            line = line.replace(place, here).replace("<…>", here)
    return line


def test_every_line_is_of_a_kind_that_is_tried() -> None:
    assert len(TRAIN) > 40
    others = [line for line in LINES if line not in TRAIN]
    assert [line for line in others if not line.startswith(("make ", "pip install"))] == []
    for page, test in ELSEWHERE.items():
        assert (ROOT / page).is_file()
        assert Path(page).stem in (ROOT / test).read_text(), page


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_make_knows_the_target(line: str) -> None:
    shell(f"{line} --dry-run", ROOT)


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("pip ")])
def test_the_extra_is_there(line: str) -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = re.findall(r"\[([\w,]+)\]", line)
    assert extras
    assert set(extras[0].split(",")) <= set(known["optional-dependencies"])


@pytest.mark.slow
@pytest.mark.parametrize("line", TRAIN)
def test_a_command_works(line: str, made: Made, tmp_path: Path) -> None:
    skip_where_it_lacks(line)
    short = tiny(given(line, made, tmp_path))
    if NO_SERVER in line:
        short += " --cfg job"
    if "run=logs/sweeps/" in line:
        short = short.replace("sweep.trials=2", "sweep.trials=3")
    if line.startswith("python "):
        assert forked(short, tmp_path, TRACKING="logs/tracked.db")
    else:
        assert shell(short, tmp_path) or line.startswith("eval ")
