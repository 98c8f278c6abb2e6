"""The README's own commands and files, so that it cannot rot."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import samples
from conftest import ROOT
from pages import commands, forked, shell, skip_where_it_lacks, tiny

README = (ROOT / "README.md").read_text()
LINES = commands(ROOT / "README.md")
EXAMPLE = dict(re.findall(r"`([\w/]+\.\w+)`\n\n```\w+\n(.*?)```", README, re.DOTALL))
TRAIN = [line for line in LINES if line.startswith("python train.py")]
ID = "logs/default/<id>"
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    forked(tiny("python train.py"), folder)
    (run,) = (folder / "logs/default").iterdir()
    return run


def copy_of(run: Path, folder: Path) -> str:
    shutil.copytree(run, folder / "run")
    return "run"


def test_the_readme_has_commands_and_an_example() -> None:
    assert len(TRAIN) >= 15
    assert len(EXAMPLE) == 3


def test_every_other_line_is_tried_elsewhere() -> None:
    others = [x for x in LINES if not x.startswith(("python train.py", "make", "tensorboard"))]
    assert set(others) <= set(commands(ROOT / "docs/guides/upgrading.md"))


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make")])
def test_make_knows_the_target(line: str) -> None:
    shell(f"{line} --dry-run", ROOT)


@slow
@pytest.mark.parametrize(
    "line", [line for line in TRAIN if ID not in line and "z_loss" not in line]
)
def test_a_command_works(line: str, tmp_path: Path) -> None:
    skip_where_it_lacks(line)
    samples.table(tmp_path / "houses.csv")
    samples.images(tmp_path / "pictures")
    (tmp_path / "their.csv").write_text("epoch,loss,val_loss\n1,2.3,2.3\n2,1.1,1.2\n3,0.8,1.0\n")
    assert forked(tiny(line), tmp_path)


@slow
@pytest.mark.parametrize("line", [line for line in LINES if ID in line])
def test_a_finished_run_goes_on(line: str, finished: Path, tmp_path: Path) -> None:
    assert forked(tiny(line.replace(ID, copy_of(finished, tmp_path))), tmp_path)


@slow
def test_a_run_folder_holds_what_the_table_says(finished: Path) -> None:
    table = README.partition("| file | content |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = [name for cell in cells for name in re.findall("`([^`<]+)`", cell)]
    assert len(named) >= 10
    for name in set(named) - {"git.diff"}:  # only where a repository has changed
        assert list(finished.rglob(name.rstrip("/").rpartition("/")[2])), name


@slow
def test_tensorboard_reads_the_logs(finished: Path) -> None:
    (line,) = [line for line in LINES if line.startswith("tensorboard")]
    run = shlex.quote(str(finished))
    assert "train/loss" in shell(f"{line.replace('logs', run, 1)} --inspect", ROOT)


@slow
def test_a_notebook_loads_a_run(finished: Path, tmp_path: Path) -> None:
    (code,) = [
        c for c in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "seedbed.load" in c
    ]
    (tmp_path / "cell.py").write_text(f"{code.replace(ID, str(finished))}print(*logits.shape)\n")
    assert shell("python cell.py", tmp_path) == "1 10\n"


@slow
def test_the_example_technique_works_as_shown(tmp_path: Path) -> None:
    for name in ("src", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("train.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name, text in EXAMPLE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    here = str(tmp_path / "src")
    code = " ".join(name for name in EXAMPLE if name.endswith(".py"))
    shell(f"ruff format --check {code} && ruff check --ignore D100,D103 {code}", tmp_path)
    assert "1 passed" in shell("python -m pytest -p no:cacheprovider", tmp_path, PYTHONPATH=here)
    for line in (line for line in TRAIN if "z_loss" in line):
        shell(tiny(line, tmp_path), tmp_path, PYTHONPATH=here)
    (history,) = tmp_path.rglob("history.csv")
    assert "train/z_loss" in history.read_text().partition("\n")[0]
