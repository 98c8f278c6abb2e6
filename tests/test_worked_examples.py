"""The worked examples of docs/: files, commands and mistakes, as they are shown."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT
from pages import BASH, ENV, shell

PAGES = ("your_data", "your_model", "your_loss")
FILE = re.compile(r"`([\w/]+\.\w+)`\n\n```\w+\n(.*?)```", re.S)
COMMANDS = re.compile(r"```sh\n(.*?)```", re.S)
MISTAKE = re.compile(r"^\| `(python train\.py .*?)` \| `(.*)` \|$", re.M)
SHORT = " trainer=cpu trainer.max_epochs=1"
pytestmark = pytest.mark.slow


@dataclass
class Page:
    """A page whose commands have been run."""

    name: str
    text: str
    folder: Path  # a copy of the house, with the files of the page
    said: dict[str, str]  # by each command

    def path(self) -> str:
        return str(self.folder / "src")

    def metrics(self, run: str) -> dict[str, float]:
        return json.loads((self.folder / run / "metrics.json").read_text())


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("src", "configs"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("train.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    text = (ROOT / f"docs/{request.param}.md").read_text()
    for name, content in FILE.findall(text):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    found = Page(request.param, text, folder, {})
    for line in "".join(COMMANDS.findall(text)).splitlines():
        short = SHORT if "train.py" in line and "stages=" not in line else ""
        found.said[line] = shell(line + short, folder, PYTHONPATH=found.path())
    return found


def test_the_files_are_in_the_style_of_the_house(page: Page) -> None:
    code = " ".join(name for name, _ in FILE.findall(page.text) if name.endswith(".py"))
    shell(f"ruff format --check {code} && ruff check {code}", page.folder)


def test_every_run_has_ended_well(page: Page) -> None:
    runs = list(page.folder.glob("logs/**/status.json"))
    asked = [line for line in page.said if line.startswith("python train.py")]
    assert len(runs) >= len(asked) >= 4
    assert {json.loads(run.read_text())["status"] for run in runs} == {"ok"}


def test_every_mistake_is_answered_as_the_page_says_and_leaves_nothing(page: Page) -> None:
    mistakes = MISTAKE.findall(page.text)
    assert len(mistakes) >= 6
    before = sorted(page.folder.glob("logs/**"))
    for line, says in mistakes:
        done = subprocess.run(
            [BASH, "-c", line],
            cwd=page.folder,
            env=ENV | {"PYTHONPATH": page.path()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, line
        assert done.stderr.startswith(says), line
        assert len(done.stderr.strip().splitlines()) == 1, line
    assert sorted(page.folder.glob("logs/**")) == before


def test_what_the_page_promises_comes_out(page: Page) -> None:
    if page.name == "your_loss":
        zero, known = page.metrics("logs/zero"), page.metrics("logs/known")
        assert zero == pytest.approx(known, rel=1e-3)
        assert page.metrics("logs/own")["val/loss"] < known["val/loss"]  # a factor below 1
    elif page.name == "your_model":
        (line,) = [line for line in page.said if line.endswith("out=logs/own")]
        again = "python train.py run=logs/own stages=test trust=mypackage"
        assert again in page.said[line]
        assert again in page.said
        assert "gated" in shell("python train.py --help", page.folder, PYTHONPATH=page.path())
    else:
        code = (
            "import seedbed; s = seedbed.load('logs/waves', ['mypackage']).spec; "
            "print(s.shape, s.kind, s.classes, sum(s.sizes), s.sizes[2])"
        )
        said = shell(f'python -c "{code}"', page.folder, PYTHONPATH=page.path())
        assert said == "(32,) class ('0', '1', '2') 600 120\n"
        assert "test/r2" in page.metrics("logs/line")
        assert "test/r2" in page.metrics("logs/houses")
