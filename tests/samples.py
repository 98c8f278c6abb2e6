"""Small files of the kinds that data is read from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def table(path: Path, rows: int = 60, edit: dict[int, str] | None = None) -> Path:
    """Write `age, city, blood, price`; `edit` replaces rows, which count from 1."""
    random = np.random.default_rng(0)
    lines = ["age,city,blood,price"]
    for _ in range(rows):
        age, city = random.integers(1, 90), random.choice(["Rio", "Porto", "Faro"])
        lines.append(f"{age},{city},{random.choice(['A', 'B'])},{2 * age + random.normal():.3f}")
    for row, text in (edit or {}).items():
        lines[row] = text
    path.write_text("\n".join(lines) + "\n")
    return path


def images(
    root: Path, names: Sequence[str] = ("dark", "light"), count: int = 15, mode: str = "RGB"
) -> Path:
    """Write `count` images for each class, brighter from class to class, of several sizes."""
    random = np.random.default_rng(1)
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for k in range(count):
            shape = (12 + k % 3, 10 + k % 4, 3)
            values = (40 + 120 * place + random.integers(0, 40, shape)).astype(np.uint8)
            Image.fromarray(values).convert(mode).save(root / name / f"{k:02}.png")
    return root


def parquet(path: Path) -> Path:
    """Write the same table as Parquet."""
    import pandas as pd

    pd.read_csv(table(path.with_suffix(".csv"))).to_parquet(path)
    return path


def make(option: str, folder: Path) -> dict[str, Any]:
    """Write what a data option reads, and return the arguments that say so."""
    if option == "tabular":
        return {"path": str(table(folder / "t.csv")), "target": "blood"}
    if option == "image_folder":
        return {"root": str(images(folder / "pictures"))}
    if option == "hub":
        file = parquet(folder / "t.parquet")
        return {"path": "parquet", "data_files": str(file), "target": "blood"}
    if option == "domains":
        return {"sources": ["digits"], "target": "digits:rotate30"}
    return {}
