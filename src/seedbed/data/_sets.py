"""Hugging Face data sets: loaded, chosen from, and made into tables."""

from collections.abc import Sequence
from typing import Any

from seedbed.data._rows import Rows
from seedbed.nearest import nearest


def load(path: str, name: str | None, data_files: Any, data_dir: str | None) -> Any:
    """Return the splits of a data set by name.

    Raises:
        ValueError: the library is missing, or it cannot load them.
    """
    try:
        import datasets
    except ImportError as error:
        raise ValueError("it needs an extra: pip install 'seedbed[hub]'") from error
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        return datasets.load_dataset(path, name, data_files=data_files, data_dir=data_dir)
    except Exception as error:  # whatever a builder says against its files
        why = (str(error) or type(error).__name__).splitlines()[0]
        files = f" {data_files or data_dir}" if data_files or data_dir else ""
        raise ValueError(f"{path}{files}: cannot be loaded ({why})") from error


def chosen(sets: Any, split: str, path: str, key: str) -> Any:
    """Return one split.

    Raises:
        ValueError: there is none of that name, or nothing in it.
    """
    if split not in sets:
        raise ValueError(f"{path}: there is no split {split!r} ({key}); {nearest(split, sets)}")
    if not len(sets[split]):
        raise ValueError(f"{path}: the split {split!r} is empty")
    return sets[split]


def rows_of(rows: Any, path: str, used: Sequence[str]) -> Rows:
    """Return some columns as a table, or all; classes by their names.

    Raises:
        ValueError: a column is missing.
    """
    known = list(rows.column_names)
    for name in used:
        if name not in known:
            raise ValueError(f"{path}: there is no column {name!r}; {nearest(name, known)}")
    table = rows.select_columns(list(used) or known).to_pandas()
    for name in table.columns:
        names = getattr(rows.features[name], "names", None)
        if names:
            table[name] = [names[k] if k is not None and k >= 0 else None for k in table[name]]
    return Rows(table, path)


def image_column(rows: Any, x: Sequence[str]) -> str | None:
    """Return the column whose images are the inputs; None for a table.

    Raises:
        ValueError: there are several to choose from, or other columns beside it.
    """
    import datasets

    wanted = [n for n in (x or rows.column_names) if n in rows.column_names]
    images = [n for n in wanted if isinstance(rows.features[n], datasets.Image)]
    if len(images) > 1 or (images and len(x) > 1):
        raise ValueError(f"data.x={list(x)}: one column of images is expected, of {images}")
    return images[0] if images else None


def raw() -> Any:
    """Return the feature of an image that is not yet decoded."""
    import datasets

    return datasets.Image(decode=False)
