"""`python -m seedbed.new`: a project of another name whose two commands pass, and its upgrade."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from seedbed.new import __main__ as new
from seedbed.new import history, project
from seedbed.new.name import Refused, refuse_name

NAME = "my_project"
GUIDE = (ROOT / "docs/guides/upgrading.md").read_text()
MAKE, UPGRADE, CLONE = re.findall(r"```sh\n(.*?)```", GUIDE, re.S)
BASH = shutil.which("bash") or "bash"
ME = {
    f"GIT_{who}_{what}": "me@localhost"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
NOT_THERE = re.compile(
    r"""["'` ](docs|benchmarks)/|README\.md|CHANGELOG|CONTRIBUTING|CITATION|\.ci/"""
)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / NAME
    assert new.main([str(folder)]) == 0
    return folder


def texts(folder: Path) -> dict[Path, str]:
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {path: (folder / path).read_text() for path in found if path.parts[0] != ".git"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("my-project", "cannot be the name of a package"),
        ("My_project", "cannot be the name of a package"),
        ("2nd", "cannot be the name of a package"),
        ("größe", "cannot be the name of a package"),
        ("lambda", "cannot be the name of a package"),
        ("seedbed", "is the template's own name"),
        ("json", "is a module of Python"),
        ("torch", "is a package that is installed"),
        ("import_linter", "is a package that is installed"),  # by its name there, not in Python
        ("dateutil", "is a package that is installed"),  # by its name in Python
        ("train", "is a word that the code uses"),  # train.py
        ("regularizer", "is a word that the code uses"),  # a folder
        ("samples", "is a word that the code uses"),  # a module of the tests
        ("batch", "is a word that the code uses"),  # a variable
        ("git", "is a word that the code uses"),  # a key of environment.json, beside seedbed's
    ],
)
def test_a_name_that_clashes_is_refused_in_one_line(
    name: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new.main([str(tmp_path / name)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(f"{name!r} {why}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["my_project", "speech", "vision", "retina2", "my_seedbed"])
def test_a_name_that_clashes_with_nothing_is_taken(name: str) -> None:
    refuse_name(name, ROOT, project.files(), installed=True)


def test_a_place_that_cannot_be_is_refused(tmp_path: Path, made: Path) -> None:
    for folder, why in (
        (made, "is there already"),
        (tmp_path / "none" / NAME, "there is no folder"),
        (ROOT / "docs" / NAME, "lies inside seedbed; beside it: python -m seedbed.new .*my_p"),
    ):
        with pytest.raises(Refused, match=why):
            new.make(folder)
    assert not (ROOT / "docs" / NAME).exists()


def test_what_is_no_checkout_makes_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "ROOT", tmp_path)
    assert new.main([str(tmp_path / NAME)]) == 2
    assert "copies a checkout of seedbed" in capsys.readouterr().err


def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        assert list(tmp_path.rglob("train.py"))
        raise OSError("No space left on device")

    monkeypatch.setattr(project, "ruff", full)
    assert new.main([str(tmp_path / NAME)]) == 2
    assert list(tmp_path.iterdir()) == []


def test_it_starts_without_torch() -> None:
    code = "import sys; import seedbed.new.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "lightning", "hydra", "numpy"} & set(done.stdout.split())


def test_nothing_is_called_seedbed_but_what_it_was_made_from(made: Path) -> None:
    known = texts(made)
    assert len(known) > 500
    assert {str(p) for p, text in known.items() if "seedbed" in f"{p}{text}".lower()} == {
        "README.md",
        "LICENSE",
    }
    assert known[Path("LICENSE")] == (ROOT / "LICENSE").read_text()
    assert "'.[hub]'" in known[Path(f"src/{NAME}/data/_sets.py")]  # what is installed is this


def test_code_is_where_it_is_imported_from(made: Path) -> None:
    benchmarks = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    benchmarks -= {path.stem for path in made.rglob("*.py")}
    asked = set()
    for path, text in texts(made).items():
        nodes = list(ast.walk(ast.parse(text))) if path.suffix == ".py" else []
        asked |= {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
        asked |= {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    ours = [name for name in asked if name.partition(".")[0] == NAME]
    assert len(ours) > 200
    for name in ours:
        place = made / "src" / name.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), name
    assert not asked & benchmarks


def test_configs_name_what_there_is(made: Path) -> None:
    count = 0
    for path in made.glob("configs/*/*.yaml"):
        target = str((yaml.safe_load(path.read_text()) or {}).get("_target_", ""))
        if target.startswith(NAME):
            module, _, name = target.rpartition(".")
            assert f"class {name}" in (made / f"src/{module.replace('.', '/')}.py").read_text()
            count += 1
    assert count > 60


def test_nothing_asks_for_what_stayed_behind(made: Path) -> None:
    """A test of seedbed's own pages that is found here belongs into `project.STAYS`."""
    found = {str(p): at for p, text in texts(made).items() for at in NOT_THERE.findall(text)}
    assert set(found) <= {"pyproject.toml"}  # readme = "README.md", its own
    assert all((ROOT / name).exists() for name in project.STAYS)


def test_the_readme_names_what_there_is(made: Path) -> None:
    readme = (made / "README.md").read_text().replace("mine", "l1")
    for group, option in (("optimizer", "lion"), ("loss", "huber")):
        named = readme.replace("<group>", group).replace("<option>", option)
        paths = re.findall(r"`((?:src|configs|tests|train)[\w./]*\.\w+)`", named)
        assert len(paths) >= 7
        assert [path for path in paths if not (made / path).is_file()] == []


def test_make_knows_its_targets(made: Path) -> None:
    [phony] = re.findall(r"^\.PHONY: (.*)$", (made / "Makefile").read_text(), re.M)
    assert {"train", "test", "fix", "check", "clean"} <= set(phony.split())
    shell(f"make --dry-run {phony}", made, dict(os.environ))


@pytest.mark.parametrize("name", [NAME, "a_rather_long_name_for_a_package"])
def test_the_code_is_as_its_own_rules_want_it(name: str, tmp_path: Path) -> None:
    project.write(tmp_path / name, name)
    ruff = [sys.executable, "-m", "ruff"]
    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [*ruff, *words], cwd=tmp_path / name, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@needs_git
def test_it_begins_with_one_commit_on_two_branches(made: Path) -> None:
    assert history.git("status", "--porcelain", "--ignored", at=made) == ""
    assert history.git("log", "--all", "--format=%an %s", at=made) == f"seedbed {history.version()}"
    assert history.package(made) == NAME


@needs_git
def test_inside_a_repository_no_other_is_made(tmp_path: Path) -> None:
    history.git("init", "--quiet", at=tmp_path)
    assert "lies in a repository" in new.make(tmp_path / NAME)
    assert not (tmp_path / NAME / ".git").exists()
    with pytest.raises(Refused, match="has no branch 'seedbed'"):
        new.upgrade(tmp_path / NAME)


def test_without_git_there_is_a_project_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert "as there is no git" in new.make(tmp_path / NAME)
    assert (tmp_path / NAME / "train.py").is_file()


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which `make` finds a `.venv` set up, and can set up none.

    Its Python is the present one, into which nothing may be installed.
    """
    bin_ = folder / "venv/bin"
    bin_.mkdir(parents=True, exist_ok=True)
    (bin_ / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    (bin_ / "python").chmod(0o755)
    (bin_.parent / ".ready").touch()
    os.utime(bin_.parent / ".ready", (4e9, 4e9))  # newer than any requirements, merged ones too
    outer = ("PYTEST_", "MAKE", "MFLAGS")  # `make ci VENV=...` hands its VENV on to any make below
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(outer)},
        **ME,
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "VENV": str(bin_.parent),
        "PYTHON": "false",  # with which the rule that sets up an environment stops at once
        "OMP_NUM_THREADS": "1",
    }


def shell(line: str, folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [BASH, "-ec", line], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_its_two_commands_pass(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    new.make(folder)
    env = environment(tmp_path) | {"PYTHONPATH": str(folder / "src")}
    shell("make train ARGS='trainer=cpu trainer.max_epochs=1'", folder, env)
    [config] = folder.glob("logs/default/*/config.yaml")
    assert f"_target_: {NAME}.model.cnn.CNN" in config.read_text()
    few = "tests/test_house.py tests/test_trust.py tests/test_seal.py tests/optimizer"
    said = shell(f"make test ARGS=\"-n0 -m 'not slow' {few}\"", folder, env)
    assert re.search(r"^\d{3} passed", said, re.M)


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.slow
@needs_git
def test_a_later_seedbed_is_merged_as_the_guide_says(tmp_path: Path) -> None:
    origin, checkout, mine = (tmp_path / name for name in ("origin", "seedbed", NAME))
    for name in project.WHOLE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, origin / name)
    paths = os.pathsep.join(str(folder / "src") for folder in (checkout, mine))
    env = environment(tmp_path) | {"PYTHONPATH": paths, "ARGS": "-n0 tests/test_length.py"}
    commit = "git add --all && git commit --quiet --message=more"
    shell(f"git init --quiet && {commit} && git clone --quiet . ../seedbed", origin, env)
    shell(MAKE, checkout, env)

    edit(mine / "configs/optimizer/adam.yaml", "lr: ", "lr: 1")
    edit(mine / "pyproject.toml", 'version = "0.1.0"', 'version = "3.2.1"')
    (mine / f"src/{NAME}/model/own.py").write_text('"""Mine."""\n')
    shell(f"git rm --quiet configs/debug/fast.yaml && {commit}", mine, env)
    edit(origin / "src/seedbed/length.py", '"""', '"""Later: ')
    edit(origin / "pyproject.toml", '\nversion = "', '\nversion = "9.')
    edit(origin / "src/seedbed/__init__.py", '__version__ = "', '__version__ = "9.')
    (origin / "src/seedbed/model/later.py").write_text('"""See `seedbed.model`."""\n')
    shell(commit, origin, env)

    assert "passed" in shell(UPGRADE, checkout, env)
    assert "lr: 1" in (mine / "configs/optimizer/adam.yaml").read_text()
    assert 'version = "3.2.1"' in (mine / "pyproject.toml").read_text()
    assert (mine / f"src/{NAME}/model/own.py").is_file()
    assert not (mine / "configs/debug/fast.yaml").exists()
    assert (mine / f"src/{NAME}/length.py").read_text().startswith('"""Later: ')
    assert (mine / f"src/{NAME}/model/later.py").read_text() == f'"""See `{NAME}.model`."""\n'
    assert shell("git status --porcelain", mine, env) == ""
    assert "seedbed 9.0.1.0" in shell("git log -1 --format=%s seedbed", mine, env)

    again = "python -m seedbed.new --upgrade ../my_project"
    assert "nothing was done" in shell(again, checkout, env)
    shell(f"git clone --quiet {NAME} clone", tmp_path, env)
    assert "nothing was done" in shell(f"{CLONE}cd ../seedbed\n{again}", tmp_path / "clone", env)
