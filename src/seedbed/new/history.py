"""The history of a project: a branch `seedbed` of what was written for it, to be merged from.

Commits are made of a folder and an index of their own, so that neither the files nor the branch
that the user works on are ever touched.
"""

import os
import shutil
import subprocess
from pathlib import Path

from seedbed import __version__
from seedbed.new.name import Refused
from seedbed.new.project import ROOT

BRANCH = "seedbed"
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "seedbed"), ("EMAIL", "seedbed@localhost"))
}
PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # set where a hook calls, of another one


def version() -> str:
    """Return which seedbed this is: its version, and its commit if there is one."""
    try:
        return f"seedbed {__version__} ({git('rev-parse', '--short', 'HEAD', at=ROOT)})"
    except Refused:
        return f"seedbed {__version__}"


def begin(folder: Path) -> str:
    """Make a repository of a fresh project, and return why there is none, "" if there is.

    Args:
        folder: what was written, complete.
    """
    if shutil.which("git") is None:
        return "without a history, as there is no git"
    try:
        git("rev-parse", "--show-toplevel", at=folder)
    except Refused:
        git("init", "--quiet", at=folder)
        made = commit(folder, folder / ".git")
        git("update-ref", "HEAD", made, at=folder)
        git("branch", BRANCH, at=folder)
        return ""
    return "without a history of its own, as it lies in a repository"


def package(folder: Path) -> str:
    """Return the name of the package that was once written for a project.

    Raises:
        Refused: it has no branch that says so.
    """
    if not folder.is_dir():
        raise Refused(f"{folder}: there is no such folder")
    try:
        [name] = git("ls-tree", "--name-only", f"{BRANCH}:src", at=folder).split()
    except (Refused, ValueError):
        raise Refused(
            f"{folder}: has no branch {BRANCH!r} with what seedbed.new wrote, to be upgraded"
        ) from None
    return name


def renew(project: Path, folder: Path, index: Path) -> bool:
    """Add a commit to a project's branch, and return whether anything differs.

    Args:
        project: a folder of its repository.
        folder: what is to be the commit.
        index: a file that is not there yet.

    Raises:
        Refused: git refuses, since the branch is checked out, for one.
    """
    place = Path(git("rev-parse", "--absolute-git-dir", at=project))
    made = commit(folder, place, index, BRANCH)
    if not git("diff", "--name-only", BRANCH, made, at=project):
        return False
    git("branch", "--force", BRANCH, made, at=project)
    return True


def commit(folder: Path, place: Path, index: Path | None = None, parent: str = "") -> str:
    """Make a commit of a folder, on no branch, and return its id.

    Args:
        folder: its files, all of them, whatever the user's git ignores.
        place: the `.git` of the repository that takes it.
        index: where git notes the files; its usual place if None.
        parent: the commit before; "" for the first one.
    """
    env = {"GIT_DIR": str(place), "GIT_WORK_TREE": str(folder)}
    env |= {"GIT_INDEX_FILE": str(index)} if index else {}
    git("add", "--all", "--force", at=folder, **env)
    tree = git("write-tree", at=folder, **env)
    after = ("-p", parent) if parent else ()
    return git("commit-tree", tree, *after, "-m", version(), at=folder, **env)


def git(*words: str, at: Path, **env: str) -> str:
    """Return what git says.

    Args:
        words: its command.
        at: the folder to be in.
        env: of its environment.

    Raises:
        Refused: it fails, or is not there.
    """
    usual = {key: value for key, value in os.environ.items() if key not in PLACES}
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *words],  # noqa: S607
            cwd=at,
            env=usual | AUTHOR | env,
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise Refused("there is no git, which keeps what an upgrade is merged with") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise Refused(f"git {words[0]}: {said[-1]}") from None
    return done.stdout.strip()
