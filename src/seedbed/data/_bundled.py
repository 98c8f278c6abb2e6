"""Tables that lie inside scikit-learn: `sklearn:diabetes` in place of a file's name.

Source: scikit-learn, "Toy datasets", https://scikit-learn.org/stable/datasets/toy_dataset.html.
"""

from typing import Any

from seedbed.nearest import nearest

PREFIX = "sklearn:"
NAMES = ("breast_cancer", "diabetes", "iris", "wine")


def is_bundled(path: str | None) -> bool:
    """Return whether a path names a table of scikit-learn instead of a file."""
    return bool(path) and str(path).startswith(PREFIX)


def read_bundled(path: str) -> Any:
    """Return a table as a DataFrame of text, as `read_csv` does; its last column is `target`.

    Classes go by their names, and columns are measured in their own units.

    Raises:
        ValueError: scikit-learn has no such table.
    """
    from sklearn import datasets

    name = path.removeprefix(PREFIX)
    if name not in NAMES:
        raise ValueError(f"path={path}: no such table; {nearest(name, NAMES)}")
    units = {"scaled": False} if name == "diabetes" else {}
    found = getattr(datasets, f"load_{name}")(as_frame=True, **units)
    table = found.frame
    if "target_names" in found:
        table["target"] = [found.target_names[number] for number in table["target"]]
    return table.astype(str)
