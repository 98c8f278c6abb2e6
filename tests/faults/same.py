"""Whether two runs ended as one: every tensor, every logged number, every metric."""

import json
import math
from pathlib import Path
from typing import Any

import torch

PATHS = {"dirpath", "folder"}


def differences(a: Path, b: Path) -> list[str]:
    """Return what differs between two run folders, to the last bit; [] if nothing does."""
    found: list[str] = []
    for name in ("last.ckpt", "best.ckpt"):
        one, two = (torch.load(run / "checkpoints" / name, weights_only=True) for run in (a, b))
        found += unlike(one, two, name)
    for name in ("metrics.json",):
        one, two = (json.loads((run / name).read_text()) for run in (a, b))
        found += unlike(one, two, name)
    one, two = ((run / "history.csv").read_text().splitlines() for run in (a, b))
    found += [f"history.csv: {len(one)} rows against {len(two)}"] * (len(one) != len(two))
    found += [f"history.csv: {x} | {y}" for x, y in zip(one, two, strict=False) if x != y]
    return found


def unlike(a: Any, b: Any, where: str) -> list[str]:
    """Return the places at which two trees of plain data differ."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        same = a.dtype == b.dtype and a.shape == b.shape and torch.equal(bits(a), bits(b))
        return [] if same else [f"{where}: tensors differ"]
    if isinstance(a, dict) and isinstance(b, dict):
        lacking = [f"{where}.{key}: only in one" for key in a.keys() ^ b.keys()]
        return lacking + [
            d for k in a.keys() & b.keys() for d in unlike(a[k], b[k], f"{where}.{k}")
        ]
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            return [f"{where}: lengths {len(a)} and {len(b)}"]
        return [
            d
            for k, (x, y) in enumerate(zip(a, b, strict=True))
            for d in unlike(x, y, f"{where}[{k}]")
        ]
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return []
    return [] if a == b and type(a) is type(b) else [f"{where}: {a!r} against {b!r}"]


def bits(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor that is equal where every bit is, NaN and -0 included."""
    return x.contiguous().view(torch.uint8) if x.ndim else x.reshape(1).view(torch.uint8)
