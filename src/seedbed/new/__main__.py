"""`python -m seedbed.new ../my_project` makes a project, `--upgrade` brings it a later seedbed."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from seedbed.new import history, project
from seedbed.new.name import Refused, refuse_name


def main(words: list[str]) -> int:
    """Make or upgrade a project, and return the exit code: 2 if it cannot be done, 0 if it is."""
    parser = argparse.ArgumentParser(
        prog="python -m seedbed.new",
        description="Make a project of your own: seedbed by another name, without its own pages.",
    )
    parser.add_argument("folder", type=Path, help="of the project; its last part is the name")
    parser.add_argument(
        "--upgrade",
        action="store_true",
        help=f"bring this seedbed to the branch {history.BRANCH!r} of a project made before",
    )
    given = parser.parse_args(words)
    folder = given.folder.resolve()
    try:
        project.refuse_source()
        print(upgrade(folder) if given.upgrade else make(folder))  # noqa: T201
    except (Refused, OSError) as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 2
    return 0


def make(folder: Path) -> str:
    """Make a project, whole or not at all, and return what was done and what comes next.

    Args:
        folder: what is to be made; its name is that of the package.

    Raises:
        Refused: the name or the place cannot be.
    """
    refuse_name(folder.name, project.ROOT, project.files(), installed=True)
    if folder.exists():
        raise Refused(f"{folder}: is there already; choose another name, or --upgrade it")
    if not folder.parent.is_dir():
        raise Refused(f"{folder}: there is no folder {folder.parent}")
    if folder.is_relative_to(project.ROOT):
        beside = os.path.relpath(project.ROOT.parent / folder.name)
        raise Refused(f"{folder}: lies inside seedbed; beside it: python -m seedbed.new {beside}")
    with tempfile.TemporaryDirectory(prefix=".new_", dir=folder.parent) as there:
        made = Path(there) / folder.name
        project.write(made, folder.name)
        lacking = history.begin(made)
        made.rename(folder)
    done = f"with its first commit on the branch {history.BRANCH!r} too"
    path = os.path.relpath(folder)
    return f"made {path}, {lacking or done}; next: cd {path}, make train, make test"


def upgrade(folder: Path) -> str:
    """Bring this seedbed to a project's own branch, and return what was done and comes next.

    Raises:
        Refused: the folder is no project that was made here, or git refuses.
    """
    name = history.package(folder)
    refuse_name(name, project.ROOT, project.files(), installed=False)
    with tempfile.TemporaryDirectory(prefix="new_") as there:
        made = Path(there) / name
        project.write(made, name)
        changed = history.renew(folder, made, Path(there) / "index")
    path = os.path.relpath(folder)
    if not changed:
        return f"{path}: the branch {history.BRANCH!r} is this seedbed already; nothing was done"
    return f"{path}: the branch {history.BRANCH!r} is now {history.version()}; next: " + (
        f"cd {path}, git merge {history.BRANCH}, make test"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
