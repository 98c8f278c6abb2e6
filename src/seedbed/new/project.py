"""What a project is made of: the files of a checkout, but those that are about seedbed itself."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from seedbed.new.name import Refused

ROOT = Path(__file__).parents[3]
WHOLE = (
    *("src/seedbed", "configs", "tests", "train.py", "Makefile", "pyproject.toml"),
    *("requirements.txt", "LICENSE", ".gitignore"),
)
STAYS = {  # what only makes projects, and tests of pages and benchmarks that a project has not
    "src/seedbed/new",
    *("tests/test_new.py", "tests/test_readme.py", "tests/test_docs.py"),
    *("tests/pages.py", "tests/test_pages.py", "tests/test_pictures.py", "tests/test_site.py"),
    *("tests/scripts.py", "tests/test_notebook.py", "tests/test_worked_examples.py"),
    *("tests/test_cluster.py", "tests/logger/test_guide.py", "tests/sweep/test_guide.py"),
    *("tests/sweep/search/test_guide.py", "tests/experiment/test_gallery.py"),
    "tests/experiment/test_figures.py",
    "tests/test_doctor_benchmark.py",
}
AS_IT_IS = {"LICENSE"}
EDITS = {  # what is said otherwise there: each is found, or seedbed has changed without this table
    "pyproject.toml": (
        (r'^version = ".*"$', 'version = "0.1.0"'),
        (r'^description = ".*"$', 'description = "Experiments in deep learning."'),
        (r"^docs = \[(?s:.*?)^\]\n", ""),
        (r"^notebook = .*?\n", ""),
        (r"(?<=[\[,])(docs|notebook),", ""),
        (r'"benchmarks", |, "benchmarks"', ""),
        (r'^    "new",\n', ""),
        (r"^ignore = \[", 'ignore = ["E501", '),  # a longer name makes longer strings
    ),
    "src/seedbed/__init__.py": ((r'^__version__ = ".*"$', '__version__ = "0.1.0"'),),
    "src/seedbed/help.py": ((r"docs/techniques\.md", "src/seedbed/<group>/<option>.py"),),
    "Makefile": (
        (r"^\w.*\n(?:\t.*\b(?:mkdocs|(?:docs|benchmarks)/).*\n)+\n?", ""),  # what needs them
        (r"(?<= )(?:docs|site|gallery|bench) (?=.*\bclean$)", ""),  # of .PHONY
    ),
}
INSTALL = ("pip install 'seedbed", "pip install '.")  # no registry has a package of one's own


def refuse_source() -> None:
    """Refuse to work without a checkout, or without what formats code.

    Raises:
        Refused: seedbed or ruff is missing.
    """
    if not all((ROOT / name).exists() for name in WHOLE):
        raise Refused(
            "seedbed.new copies a checkout of seedbed, and this is an installed package; "
            "clone the repository and run it there"
        )
    if find_spec("ruff") is None:
        raise Refused("seedbed.new needs ruff: pip install 'seedbed[dev]'")


def files() -> Iterator[Path]:
    """Yield what becomes part of a project, as paths in the checkout."""
    for name in WHOLE:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            file = path.relative_to(ROOT)
            left = STAYS & {file.as_posix(), *(above.as_posix() for above in file.parents)}
            if path.is_file() and "__pycache__" not in file.parts and not left:
                yield file


def write(folder: Path, name: str) -> None:
    """Write a project, formatted as its own rules want it.

    Args:
        folder: what is to be made.
        name: of the package.
    """
    for file in files():
        path = folder / renamed(file.as_posix(), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / file).read_text()
        path.write_text(
            text if file.name in AS_IT_IS else renamed(edited(file.as_posix(), text), name)
        )
    readme = Path(__file__).with_name("readme.md").read_text()
    (folder / "README.md").write_text(readme.replace("{name}", name))
    ruff(folder, "check", "--select", "I", "--fix")  # a new name has another place in the order
    ruff(folder, "format")


def edited(file: str, text: str) -> str:
    """Return a text of the checkout as a project has it, but for the name.

    Raises:
        Refused: what is to be said otherwise is not found.
    """
    for pattern, other in EDITS.get(file, ()):
        text, found = re.subn(pattern, other, text, flags=re.M)
        if not found:
            raise Refused(f"{file}: seedbed.new does not find {pattern!r} there")
    return text.replace(*INSTALL)


def renamed(text: str, name: str) -> str:
    """Return a text in which the package has another name, environment variables too."""
    return text.replace("seedbed", name).replace("SEEDBED", name.upper())


def ruff(folder: Path, *words: str) -> None:
    """Let ruff change a folder.

    Raises:
        Refused: it cannot.
    """
    command = [
        sys.executable,
        "-m",
        "ruff",
        *words,
        "-q",
        "--no-cache",
        "--no-respect-gitignore",
        ".",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Refused(f"ruff {words[0]}: {(done.stdout + done.stderr).strip().splitlines()[-1]}")
