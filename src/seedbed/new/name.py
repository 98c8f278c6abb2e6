"""Which names a package may have: those that clash with nothing."""

import io
import keyword
import re
import sys
import tokenize
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

PIN = re.compile(r"^([\w.-]+)==", re.M)


class Refused(ValueError):
    """What cannot be done, and why, in one line."""


def refuse_name(name: str, root: Path, files: Iterable[Path], *, installed: bool) -> None:
    """Refuse a name that Python cannot import, or that means something else already.

    Args:
        name: of the package.
        root: the checkout.
        files: what becomes the project, paths in the checkout.
        installed: whether what can be imported here is in the way, too; a project that is to be
            upgraded may itself be installed.

    Raises:
        Refused: choose another one.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise Refused(
            f"{name!r} cannot be the name of a package: lower-case letters, digits and _ "
            "are expected, such as my_project"
        )
    pins = PIN.findall((root / "requirements.txt").read_text())
    if name == "seedbed":
        why = "is the template's own name"
    elif name in sys.stdlib_module_names:
        why = "is a module of Python"
    elif name in {re.sub(r"[-.]", "_", pin.lower()) for pin in pins}:
        why = "is a package that is installed"
    elif any(names(root / file, file, name) for file in files):
        why = "is a word that the code uses"
    elif installed and importable(name):
        why = "is a package that is installed"
    else:
        return
    raise Refused(f"{name!r} {why}; choose another name, such as my_{name}")


def importable(name: str) -> bool:
    """Return whether Python finds a module of this name; a mere folder is none."""
    spec = find_spec(name)
    return spec is not None and spec.origin is not None


def names(path: Path, file: Path, word: str) -> bool:
    """Return whether a file, or something in its code, is called so.

    Args:
        path: of the file.
        file: the same, in the checkout.
        word: to look for, as an identifier or as a whole string.
    """
    if word in {*file.parent.parts, file.stem}:
        return True
    if file.suffix != ".py" or word not in (text := path.read_text()):
        return False
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return any(token.string.strip("\"'") == word for token in tokens)
