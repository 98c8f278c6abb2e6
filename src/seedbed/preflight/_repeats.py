"""Examples that are there more than once, within a split and across splits, byte for byte."""

import hashlib
from collections import Counter, defaultdict
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from seedbed.preflight._supply import Supply

SPLITS = ("train", "val", "test")
READ = 200_000_000  # bytes of files that are hashed
DECODED = 5_000  # inputs without files that are
SHOWN = 3


def hashes(x: Any) -> list[bytes] | str:
    """Return a hash of each of N inputs; in words why that would take too long."""
    if isinstance(x, Tensor):
        rows = x.detach().cpu().contiguous().flatten(1).view(torch.uint8).numpy()
        return [hashlib.blake2b(row, digest_size=16).digest() for row in rows]
    if files := getattr(x, "files", None):
        if sum(file.stat().st_size for file in files) > READ:
            return f"the files hold more than {READ // 10**6} MB"
        return [hashlib.blake2b(file.read_bytes(), digest_size=16).digest() for file in files]
    if len(x) > DECODED:
        return f"more than {DECODED} inputs are not in memory"
    return [
        hashlib.blake2b(row.numpy().tobytes(), digest_size=16).digest()
        for start in range(0, len(x), 256)
        for row in x[torch.arange(start, min(len(x), start + 256))]
    ]


def repeats(found: dict[str, list[bytes]], targets: dict[str, Tensor]) -> dict[str, Any]:
    """Return the facts of `leakage`.

    Args:
        found: by split, the hash of every input.
        targets: by split, all targets, to tell whether copies agree.
    """
    counts = {split: Counter(each) for split, each in found.items()}
    first: dict[str, dict[bytes, int]] = defaultdict(dict)
    for split, each in found.items():
        for at, digest in enumerate(each):
            first[split].setdefault(digest, at)
    across: dict[str, int] = {}
    pairs: list[tuple[str, int, str, int]] = []
    for one, other in combinations(found, 2):
        shared = [at for at, digest in enumerate(found[other]) if digest in first[one]]
        across[f"{one}-{other}"] = len(shared)
        pairs += [(one, first[one][found[other][at]], other, at) for at in shared]
    agree = [bool((targets[a][i] == targets[b][j]).all()) for a, i, b, j in pairs[:10_000]]
    shown = [f"{a} {i} is {b} {j}" for a, i, b, j in pairs[:SHOWN]]
    return {
        "across": across,
        "within": {s: sum(n for n in c.values() if n > 1) for s, c in counts.items()},
        "looked_at_whole": {split: len(each) for split, each in found.items()},
        "copies": ", ".join(shown) + (" and more" if len(pairs) > SHOWN else ""),
        "duplicates": [list(pair) for pair in pairs[:1000]],
        "agree": sum(agree) / len(agree) if agree else 1.0,
    }


def facts(supply: Supply) -> dict[str, Any]:
    """Return which examples are copies."""
    found: dict[str, list[bytes]] = {}
    for split in SPLITS:
        made = hashes(supply.data.splits[split].x)
        if isinstance(made, str):
            return {"unmeasured": {"leakage": made}}
        found[split] = made
    known = repeats(found, {split: supply.targets(split) for split in SPLITS})
    return known | {"table": len(supply.spec.shape) == 1}
